// The text that somebody has begun to write in a room. It belongs to one person, server history and room, and waits there for them.
import { keep, kept } from './unsent.js';

export function createDraft(epoch, me, room) {
  const key = `draft:${epoch}:${me}:${room}`;
  return {
    read: () => kept('localStorage', key) ?? '',
    write: (text) => keep('localStorage', key, text.trim() && text),
  };
}
