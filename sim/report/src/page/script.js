"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const list = document.getElementById("turns");
  const details = document.getElementById("details");
  const rows = [...list.querySelectorAll(".turn")];
  const text = (place) => data.texts[place];
  let selected = -1;

  const element = (name, content, className) => {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    if (className) made.className = className;
    return made;
  };

  const section = (title, items) => {
    if (!items || items.length === 0) return;
    details.append(element("h3", title));
    const made = element("ul");
    for (const item of items) {
      const line = element("li");
      if (Array.isArray(item)) line.append(element("b", text(item[0])), " ", text(item[1]));
      else line.textContent = text(item);
      made.append(line);
    }
    details.append(made);
  };

  const parsed = (place) => (place === null ? null : JSON.parse(text(place)));
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  const state = ([name, before, after, refused]) => {
    details.append(element("h3", `state of ${text(name)}`));
    if (refused !== null) details.append(element("p", `refused: ${text(refused)}`, "bad"));
    const [from, to] = [parsed(before), parsed(after)];
    const fields = isObject(to) ? Object.keys(to) : isObject(from) ? Object.keys(from) : [""];
    const table = element("table");
    for (const field of fields) {
      const get = (value) => (field === "" ? value : isObject(value) ? value[field] : undefined);
      const show = (value) => (value === undefined || value === null ? "–" : JSON.stringify(value));
      const [was, is] = [show(get(from)), show(get(to))];
      const row = element("tr", undefined, was === is ? "" : "changed");
      const head = element("th", field || "value");
      head.scope = "row";
      row.append(head, element("td", was === is ? is : `${was} → ${is}`));
      table.append(row);
    }
    details.append(table);
    if (before === after) details.append(element("p", "unchanged", "faint"));
  };

  // The state of every cell as it was left by the last step before a turn.
  const standing = (index) => {
    const cells = new Map();
    for (const turn of data.turns.slice(0, index))
      for (const [name, , after] of turn.steps || []) cells.set(name, after);
    for (const [name] of data.turns[index].steps || []) cells.delete(name);
    return cells;
  };

  const show = (index) => {
    const turn = data.turns[index];
    details.replaceChildren();
    const title = rows[index].id.slice(1);
    details.append(element("h2", `turn ${title}, at ${text(turn.time)}`));
    details.append(element("p", text(turn.decision), "decision"));
    if (turn.faults.length) details.append(element("p", turn.faults.map(text).join(", "), "odd"));
    for (const [at, invariant, says, expected, found] of data.violations) {
      if (at !== index) continue;
      const box = element("div", undefined, "violation");
      box.append(element("h3", `${text(invariant)}: ${text(says)}`));
      const pair = element("dl", undefined, "beside");
      for (const [name, value] of [["expected", expected], ["found", found]]) {
        const half = element("div");
        half.append(element("dt", name), element("dd", text(value)));
        pair.append(half);
      }
      box.append(pair);
      details.append(box);
    }
    if (turn.divergence !== undefined)
      details.append(element("p", `recovery failed: ${text(turn.divergence)}`, "bad"));
    if (turn.event !== undefined) section("event", [turn.event]);
    for (const step of turn.steps || []) state(step);
    for (const [name, after] of standing(index)) state([name, after, after, null]);
    section("out", turn.out);
    section("effect gate", turn.gate);
    section("journal", turn.journal);
    section("in flight", turn.flight);
  };

  const select = (index) => {
    index = Math.max(0, Math.min(rows.length - 1, index));
    if (index === selected || rows.length === 0) return;
    if (selected >= 0) rows[selected].setAttribute("aria-selected", "false");
    selected = index;
    const row = rows[index];
    row.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", row.id);
    show(index);
    const box = document.getElementById("scroll");
    const [at, frame] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
    const isSeen = at.top >= frame.top + 40 && at.bottom <= frame.bottom - 20;
    if (!isSeen) box.scrollTop += at.top - (frame.top + frame.bottom) / 2;
  };

  // Where the reader went is in the address, so that it can be passed on.
  const go = (index) => {
    select(index);
    history.replaceState(null, "", `#${rows[selected].id}`);
  };

  const isViolated = (index) => data.violations.some(([at]) => at === index);
  const isFault = (index) => data.turns[index].faults.length > 0;
  const next = (wanted) => {
    for (let step = 1; step <= rows.length; step += 1) {
      const index = (selected + step) % rows.length;
      if (wanted(index)) return index;
    }
    return selected;
  };

  const keys = {
    ArrowDown: () => selected + 1, ArrowRight: () => selected + 1, j: () => selected + 1,
    ArrowUp: () => selected - 1, ArrowLeft: () => selected - 1, k: () => selected - 1,
    Home: () => 0, End: () => rows.length - 1,
    PageDown: () => selected + 10, PageUp: () => selected - 10,
    v: () => next(isViolated), f: () => next(isFault),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    go(keys[event.key]());
  });
  list.addEventListener("click", (event) => {
    const y = event.clientY - list.getBoundingClientRect().top;
    go(Math.floor((y - Number(list.dataset.head)) / Number(list.dataset.row)));
  });
  const named = () => rows.findIndex((row) => `#${row.id}` === location.hash);
  addEventListener("hashchange", () => { if (named() >= 0) select(named()); });
  if (rows.length === 0) details.textContent = "Nothing happened.";
  else select(named() >= 0 ? named() : data.violations.length ? data.violations[0][0] : 0);
})();
