/** What leads to this address waits, until the function that comes back is called. */
export async function hold(page, pattern, then = (route) => route.continue()) {
  let letGo;
  const waits = new Promise((done) => {
    letGo = done;
  });
  await page.route(pattern, async (route) => {
    await waits;
    await then(route);
  });
  return async () => {
    letGo();
  };
}

/** A room is on its way. */
export const isOnItsWay = (visitor) => visitor.page.locator('#app[aria-busy=true]').waitFor();
