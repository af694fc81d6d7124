// Counts the messages in the log that mention a user.

/**
 * Of the messages after `lastRead`.
 * @param {HTMLElement} log
 * @param {string} userName
 * @param {number} lastRead
 */
export function countMentions(log, userName, lastRead) {
  const messages = new Set();
  for (const link of log.querySelectorAll('.mention')) {
    const article = /** @type {MessageElement} */ (link.closest('.message'));
    const isOfUser = link.getAttribute('href') === `/direct/${userName}`;
    if (isOfUser && Number(article.dataset.seq) > lastRead) messages.add(article);
  }
  return messages.size;
}
