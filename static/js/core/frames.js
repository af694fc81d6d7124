// Passes a frame to the handler of its type.

/**
 * @param {FrameHandlers} handlers
 * @param {ServerFrame} frame
 */
export function dispatchFrame(handlers, frame) {
  // A handler found under the frame's own type takes that type, which the checker can't follow.
  const handler = /** @type {((frame: ServerFrame) => void) | undefined} */ (handlers[frame.type]);
  handler?.(frame);
}
