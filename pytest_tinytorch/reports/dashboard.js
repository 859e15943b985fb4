// Makes the table of students and a student's page from the embedded data. Text is set as text only,
// never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const items = data.items.map(([title, kind, points, tests]) => ({ title, kind, points, tests }));
  const students = data.students.map((s, number) => {
    const [name, section, total, flags, cells, tries, failing, blocker] = s;
    return { number, name, section, total, flags, cells, tries, failing, blocker, row: null };
  });
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const byId = (id) => document.getElementById(id);
  const grid = byId("grid");
  const body = grid.tBodies[0];
  const CHUNK = 60; // rows that are made before the browser may draw

  function make(tag, text, properties = {}) {
    const element = Object.assign(document.createElement(tag), properties);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // --- the table of students -----------------------------------------------------------------

  const columns = [
    { title: "Student", kind: "name", key: (s) => s.name },
    ...(students.some((s) => s.section) ? [{ title: "Section", kind: "part", key: (s) => s.section }] : []),
    { title: "All", kind: "total", key: (s) => s.total },
    ...items.map((item, i) => ({
      title: item.title.replace(/^(\d+) .*/, "$1"),
      full: item.title,
      kind: item.kind === "checkpoint" ? "item" : "turned",
      key: (s) => (s.cells[i] ? s.cells[i][0] : -1),
    })),
  ];
  let order = { column: columns[0], sign: 1 };
  let shown = students;
  let job = 0; // the number of the last drawing; an earlier one that is not done ends

  function head() {
    // A table of known width needs no measuring of its cells.
    grid.style.setProperty("--items", items.length);
    grid.style.setProperty("--parts", columns[1].kind === "part" ? 1 : 0);
    const row = grid.tHead.insertRow();
    for (const column of columns) {
      const cell = row.appendChild(make("th", undefined, { scope: "col", className: column.kind }));
      const button = cell.appendChild(make("button", column.title, { type: "button" }));
      if (column.full) button.title = column.full;
      button.addEventListener("click", () => sortBy(column));
      column.head = cell;
    }
  }

  function sortBy(column) {
    const first = column.kind === "name" || column.kind === "part" ? 1 : -1;
    order = { column, sign: order.column === column ? -order.sign : first };
    draw();
  }

  function cellOf(cell) {
    if (!cell) return make("td", "·");
    const [percent, , , , mark] = cell;
    const level = mark === 2 ? "full" : `h${Math.floor(percent / 20)}`;
    return make("td", mark === 1 ? `${percent}?` : percent, { className: level });
  }

  function rowOf(student) {
    if (student.row) return student.row;
    const row = make("tr");
    const name = row.appendChild(make("th", undefined, { scope: "row", className: "name" }));
    name.append(make("a", student.name, { href: `#student-${student.number}`, title: student.name }));
    if (columns[1].kind === "part") row.append(make("td", student.section, { className: "part", title: student.section }));
    row.append(make("td", student.total, { className: "total" }));
    row.append(...student.cells.map(cellOf));
    student.row = row;
    return row;
  }

  function matches(student, words, section, flag) {
    const name = student.name.toLowerCase();
    return words.every((word) => name.includes(word))
      && (!section || student.section === section) && student.flags.includes(flag);
  }

  function draw() {
    const words = byId("name").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [section, flag] = [byId("section").value, byId("flag").value];
    const { column, sign } = order;
    shown = students.filter((s) => matches(s, words, section, flag)).sort((a, b) => {
      const [x, y] = [column.key(a), column.key(b)];
      return sign * (typeof x === "string" ? compare(x, y) : x - y) || a.number - b.number;
    });
    for (const c of columns) c.head.removeAttribute("aria-sort");
    column.head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    byId("found").textContent = `${shown.length} of ${students.length} students`;
    body.replaceChildren();
    fill(0, ++job);
  }

  // The first rows at once, the others after the browser could draw. Each step is larger than the one
  // before, because each lays out the whole table again.
  function fill(start, mine) {
    if (mine !== job) return;
    body.append(...shown.slice(start, 4 * start + CHUNK).map(rowOf));
    if (body.rows.length < shown.length) setTimeout(() => fill(body.rows.length, mine));
    else document.documentElement.dataset.drawn = shown.length;
  }

  function fillAll() {
    job++;
    body.append(...shown.slice(body.rows.length).map(rowOf));
  }

  // --- a student's page ----------------------------------------------------------------------

  function table(caption, headings, rows) {
    const made = make("table");
    made.append(make("caption", caption));
    const top = made.createTHead().insertRow();
    for (const heading of headings) top.append(make("th", heading, { scope: "col" }));
    const inner = made.createTBody();
    for (const [first, ...rest] of rows) {
      const row = inner.insertRow();
      row.append(make("th", first, { scope: "row" }), ...rest.map((text) => make("td", text)));
    }
    const box = make("div", undefined, { className: "wide", tabIndex: 0, role: "region", ariaLabel: `Table: ${caption}` });
    box.append(made);
    return box;
  }

  const time = (minutes) =>
    minutes ? new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ") : "not known";

  function next(student) {
    const box = make("section", undefined, { className: "next" });
    box.append(make("h2", "Next blocker"));
    if (!student.blocker) {
      box.append(make("p", "None: all checkpoints are passed."));
      return box;
    }
    const [item, test, message, place] = student.blocker;
    box.append(make("p", `Checkpoint ${items[item].title}: ${test ? "first test to fix" : student.cells[item] ? "no failed test" : "no attempt"}`));
    if (test) box.append(make("pre", test, { className: "command" }));
    if (message) box.append(make("pre", message, { className: "message" }));
    if (place) box.append(make("p", `at ${place}`, { className: "place" }));
    return box;
  }

  function drawSvg(tag, properties, parent, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return parent.appendChild(element);
  }

  // Points of all items together after each attempt: of each item, those of its last attempt.
  function course(student) {
    const now = items.map(() => 0);
    const steps = new Map();
    for (const [minutes, item, points] of student.tries) {
      now[item] = points;
      if (minutes) steps.set(minutes, now.reduce((a, b) => a + b, 0));
    }
    return [...steps];
  }

  function chart(student) {
    const steps = course(student);
    const most = items.reduce((sum, item) => sum + item.points, 0);
    const [left, right, top, bottom] = [40, 630, 20, 150];
    const [from, to] = [steps[0][0], steps[steps.length - 1][0]];
    const x = (t) => (to > from ? left + ((right - left) * (t - from)) / (to - from) : (left + right) / 2);
    const y = (p) => bottom - ((bottom - top) * p) / most;
    const label = `Points over time: ${steps.length} moments, from ${steps[0][1]} to ${steps[steps.length - 1][1]} of ${most} points`;
    const made = drawSvg("svg", { class: "chart", viewBox: "0 0 640 180", role: "img", "aria-label": label }, make("div"));
    for (const p of [0, most]) {
      drawSvg("line", { x1: left, x2: right, y1: y(p), y2: y(p) }, made);
      drawSvg("text", { x: left - 6, y: y(p) + 4, "text-anchor": "end" }, made, p);
    }
    drawSvg("polyline", { points: steps.map(([t, p]) => `${x(t)},${y(p)}`).join(" ") }, made);
    for (const [t, p] of steps) drawSvg("circle", { cx: x(t), cy: y(p), r: 4 }, made);
    drawSvg("text", { x: x(from), y: 172, "text-anchor": to > from ? "start" : "middle" }, made, time(from).slice(0, 10));
    if (to > from) drawSvg("text", { x: right, y: 172, "text-anchor": "end" }, made, time(to).slice(0, 10));
    return made;
  }

  function itemRow(student, item, i) {
    const cell = student.cells[i];
    if (!cell) return [item.title, "no attempt", "", ""];
    const [percent, points, passed, attempts, mark] = cell;
    const open = mark === 1 ? ", some for review" : "";
    return [item.title, `${points} of ${item.points} (${percent} %)`, `${passed} of ${item.tests}${open}`, attempts];
  }

  function page(student) {
    const main = byId("student");
    const back = make("p", undefined, { className: "back" });
    back.append(make("a", "← All students (Esc)", { href: "#class" }));
    main.replaceChildren(back, make("h2", student.name));
    main.append(make("p", `${student.section ? `Section ${student.section}, ` : ""}${student.total} % of all points.`));
    main.append(next(student));
    main.append(make("h3", "Attempts over time"));
    if (course(student).length) main.append(chart(student));
    const rows = student.tries.map(([t, i, points, passed]) => [time(t), items[i].title, points, `${passed} of ${items[i].tests}`]);
    const more = make("details");
    more.append(make("summary", `All attempts (${rows.length})`), table("Attempts, times in UTC", ["Time", "Item", "Points", "Tests passed"], rows));
    main.append(rows.length ? more : make("p", "No attempt."));
    main.append(table("Items", ["Item", "Points", "Tests passed", "Attempts"], items.map((item, i) => itemRow(student, item, i))));
    if (student.failing.length) {
      const list = make("ul");
      list.append(...student.failing.map((test) => make("li", data.tests[test])));
      main.append(make("h3", `Tests that do not pass (${student.failing.length})`), list);
    }
  }

  let last = null; // the student whose page was open

  function route() {
    const found = /^#student-(\d+)$/.exec(location.hash);
    const student = found && students[Number(found[1])];
    byId("overview").hidden = Boolean(student);
    byId("student").hidden = !student;
    if (student) {
      page(student);
      last = student;
      byId("student").focus();
      scrollTo(0, 0);
    } else if (last) {
      const part = location.hash.length > 1 && byId(location.hash.slice(1));
      if (part && part.id !== "class") part.scrollIntoView();
      else last.row?.querySelector("a").focus();
      last = null;
    }
  }

  // --- keys ----------------------------------------------------------------------------------

  function step(link, down) {
    const row = link.closest("tr");
    const other = down ? row.nextElementSibling : row.previousElementSibling;
    other?.querySelector("a").focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
    const inTable = body.contains(at) && at.tagName === "A";
    if (event.key === "/" && !typing && byId("student").hidden) byId("name").focus();
    else if (event.key === "Escape" && !byId("student").hidden) location.hash = "#class";
    else if (event.key === "ArrowDown" && at.id === "name") body.querySelector("a")?.focus();
    else if (inTable && event.key === "ArrowDown") step(at, true);
    else if (inTable && event.key === "ArrowUp") step(at, false);
    else return;
    event.preventDefault();
  });

  // --- tables that the page already has ------------------------------------------------------

  function sortTable(made) {
    const valueOf = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const number = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? null : Number(text));
    const heads = [...made.tHead.rows[0].cells];
    const inner = made.tBodies[0];
    heads.forEach((cell, column) => cell.firstElementChild.addEventListener("click", () => {
      const up = cell.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...inner.rows].sort((a, b) => {
        const [x, y] = [valueOf(a, column), valueOf(b, column)];
        const [m, n] = [number(x), number(y)];
        return (up ? 1 : -1) * (m !== null && n !== null ? m - n : compare(x, y));
      });
      inner.append(...rows);
    }));
  }

  head();
  for (const section of [...new Set(students.map((s) => s.section).filter(Boolean))].sort(compare)) {
    byId("section").append(make("option", section, { value: section }));
  }
  byId("section").parentElement.hidden = byId("section").length === 1;
  for (const id of ["name", "section", "flag"]) byId(id).addEventListener("input", draw);
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".filters").hidden = false;
  document.querySelector(".legend").hidden = false;
  grid.parentElement.hidden = false;
  document.querySelectorAll("table.sortable").forEach(sortTable);
  addEventListener("hashchange", route);
  addEventListener("beforeprint", fillAll);
  draw();
  route();
})();
