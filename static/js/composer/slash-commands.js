// Which texts are commands. The server understands them; the browser only has to tell them from messages, by the same rule.
const OLD = /^#(?:cR|gR|eR|lR|IR|show users|\/private|exit)(?!\S)/;

export const isCommand = (text) => (text.startsWith('/') ? !text.startsWith('//') : OLD.test(text));

/** Two slashes send one. */
export const literal = (text) => (text.startsWith('//') ? text.slice(1) : text);

/** Signing out on purpose; with more behind it, it is a sentence. */
export const isExit = (text) => /^(?:\/exit|#exit)$/i.test(text);
