// Which messages speak to the reader.

/** How many of the messages in the log that are newer than `read` mention the person of this name. */
export function mentionsIn(log, name, read) {
  const links = Array.from(log.querySelectorAll('.mention')).filter(
    (link) => link.getAttribute('href') === `/direct/${name}`,
  );
  const messages = new Set(
    links.map((link) => link.closest('.msg')).filter(({ dataset }) => Number(dataset.seq) > read),
  );
  return messages.size;
}
