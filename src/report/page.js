// Sorting of tables and opening of everything but the detail tables before printing. The page is complete without it.
"use strict";
(function () {
  var status = document.getElementById("status");
  var missing = -Infinity;

  function valueOf(row, column, numeric) {
    var cell = row.cells[column];
    if (!cell) return numeric ? missing : "";
    if (!numeric) return cell.textContent;
    return cell.hasAttribute("data-v") ? Number(cell.getAttribute("data-v")) : missing;
  }

  // What has no value stays at the end in both directions; equal ones stay as they are.
  function order(a, b, column, numeric, direction) {
    var x = valueOf(a, column, numeric), y = valueOf(b, column, numeric);
    if (numeric) {
      if (x === y) return 0;
      if (x === missing) return 1;
      if (y === missing) return -1;
      return (x < y ? -1 : 1) * direction;
    }
    return x.localeCompare(y, "en", { numeric: true }) * direction;
  }

  function sort(table, column, numeric, direction) {
    var bodies = Array.prototype.slice.call(table.tBodies);
    if (table.classList.contains("by-body")) {
      bodies.sort(function (a, b) { return order(a.rows[0], b.rows[0], column, numeric, direction); });
      bodies.forEach(function (body) { table.appendChild(body); });
      return;
    }
    bodies.forEach(function (body) {
      var rows = Array.prototype.slice.call(body.rows).filter(function (row) { return !row.classList.contains("heading"); });
      rows.sort(function (a, b) { return order(a, b, column, numeric, direction); });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  }

  function prepare(table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      var numeric = head.classList.contains("num");
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var now = head.getAttribute("aria-sort");
        var next = now === "descending" ? "ascending" : now === "ascending" ? "descending" : numeric ? "descending" : "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", next);
        sort(table, column, numeric, next === "ascending" ? 1 : -1);
        status.textContent = "sorted by " + button.textContent + ", " + next;
      });
    });
  }

  Array.prototype.forEach.call(document.querySelectorAll("table.sortable"), prepare);
  document.documentElement.classList.add("js");

  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.prototype.slice.call(document.querySelectorAll("details:not([open]):not(.bulk)"));
    closed.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (details) { details.open = false; });
  });
})();
