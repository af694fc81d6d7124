// Which texts are slash commands. The server executes them; the browser only has to tell them from messages, by the
// same rule.
const LEGACY = /^#(?:cR|gR|eR|lR|IR|show users|\/private|exit)(?!\S)/;

/** @param {string} text */
export const isSlashCommand = (text) => (text.startsWith('/') ? !text.startsWith('//') : LEGACY.test(text));

/**
 * Two slashes send one.
 * @param {string} text
 */
export const literalText = (text) => (text.startsWith('//') ? text.slice(1) : text);

/**
 * The command to sign out; with anything after it, it is a message.
 * @param {string} text
 */
export const isExitCommand = (text) => /^(?:\/exit|#exit)$/i.test(text);
