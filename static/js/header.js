// The room's header: its name and topic as they are now, and whether its reader still has to join.
const find = (selector) => document.querySelector(selector);

export function updateHeader({ name, topic }, isMember) {
  find('#room-h bdi').textContent = name;
  if (find('.bar__topic')) find('.bar__topic').textContent = topic;
  if (find('.joinbar')) find('.joinbar').hidden = isMember;
}
