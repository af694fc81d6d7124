// F6 leads from region to region of the room page, Shift and F6 back.
const REGIONS = [
  ['.side', '.room[aria-current]'],
  ['.bar', 'h1'],
  ['#log', null],
  ['#composer', 'textarea'],
];

export function startRegions() {
  addEventListener('keydown', (event) => {
    if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const shown = REGIONS.filter(([region]) => document.querySelector(region).checkVisibility());
    const here = shown.findIndex(([region]) => document.querySelector(region).contains(document.activeElement));
    const next = here < 0 ? 0 : (here + (event.shiftKey ? -1 : 1) + shown.length) % shown.length;
    const [region, target] = shown[next];
    const place = document.querySelector(region);
    (
      (target && place.querySelector(target)) ??
      (place.tabIndex < 0 ? place.querySelector('a, button') : place)
    ).focus();
  });
}
