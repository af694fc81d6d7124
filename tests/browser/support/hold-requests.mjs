/** Holds all requests to this address until the returned function is called. */
export async function holdRequests(page, pattern, then = (route) => route.continue()) {
  let release;
  const waits = new Promise((done) => {
    release = done;
  });
  await page.route(pattern, async (route) => {
    await waits;
    await then(route);
  });
  return async () => {
    release();
  };
}

/** Waits until the page is loading a room. */
export const isRoomLoading = (visitor) => visitor.page.locator('#app[aria-busy=true]').waitFor();
