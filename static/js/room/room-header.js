// The room's header: its name and topic as they are now, and whether its reader still has to join.
const find = (selector) => document.querySelector(selector);

/** A room without a topic has no line for it. */
function showTopic(topic) {
  const line =
    find('.bar__topic') ?? Object.assign(document.createElement('p'), { className: 'bar__topic', dir: 'auto' });
  line.textContent = topic;
  if (topic) find('.bar__text').append(line);
  else line.remove();
  find('#about').hidden = !topic;
  find('#about p').textContent = topic;
}

export function updateHeader({ name, topic }, isMember) {
  find('#room-h bdi').textContent = name;
  showTopic(topic);
  if (find('.joinbar')) find('.joinbar').hidden = isMember;
}
