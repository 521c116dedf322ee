"use strict";
// What the reader chose stands in the address, so that a link shows the same page.
const state = new URLSearchParams(location.hash.slice(1));

function remember(key, value) {
  state.set(key, value);
  history.replaceState(null, "", "#" + state);
}

// ---- light and dark ----
const themeButton = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = state.get("theme");
  return chosen === "dark" || (chosen !== "light" && prefersDark.matches);
}

function showTheme() {
  const dark = isDark();
  document.documentElement.className = dark ? "dark" : "light";
  themeButton.textContent = dark ? "Light" : "Dark";
}

themeButton.hidden = false;
themeButton.addEventListener("click", () => { remember("theme", isDark() ? "light" : "dark"); showTheme(); });
prefersDark.addEventListener("change", showTheme);

// ---- sorting ----
const table = document.getElementById("results");
const headings = [...table.tHead.rows[0].cells];
const asRanked = [...table.tBodies[0].rows];

function compare(one, other, isNumber) {
  // What has no value stands last, whichever the direction.
  if (one === undefined || other === undefined) return null;
  return isNumber ? Number(one) - Number(other) : one.localeCompare(other);
}

function sortBy(heading, direction) {
  const place = headings.indexOf(heading);
  const isNumber = heading.classList.contains("number");
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...asRanked].sort((first, second) => {
    const [one, other] = [first, second].map((row) => row.cells[place].dataset.sort);
    const found = compare(one, other, isNumber);
    return found === null ? (one === undefined) - (other === undefined) : sign * found;
  });
  table.tBodies[0].append(...rows);
  for (const each of headings) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
}

for (const heading of headings) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const first = heading.dataset.descends === "yes" ? "descending" : "ascending";
    const opposite = first === "ascending" ? "descending" : "ascending";
    const direction = heading.getAttribute("aria-sort") === first ? opposite : first;
    sortBy(heading, direction);
    remember("sort", heading.dataset.key + "," + direction);
  });
}

function showState() {
  showTheme();
  const [, key, direction] = /^(.*),(ascending|descending)$/.exec(state.get("sort") || "") || [];
  const heading = headings.find((each) => each.dataset.key === key);
  if (heading) sortBy(heading, direction);
}

addEventListener("hashchange", () => {
  for (const key of [...state.keys()]) state.delete(key);
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) state.set(key, value);
  showState();
});
showState();
