/** What leads to this address waits, until the function that comes back is called. */
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

/** A room is on its way. */
export const isRoomLoading = (visitor) => visitor.page.locator('#app[aria-busy=true]').waitFor();
