"use strict";
// Draws the figures again so that they answer to the mouse. Without it, the pictures stay.
// All that comes from the run is data: it is put on a canvas or into text nodes, never into HTML.
(() => {
  const GREY = "#e9ecef", LINES = "#d9dde1", INK = "#1c2024", SOFT = "#4d565f";
  const FONT = "12px system-ui, sans-serif";
  const timed = []; // charts over time, which are looked into and zoomed together
  const cursors = uPlot.sync("time");

  const number = (value) => {
    if (value == null) return "–";
    for (const [size, sign] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]])
      if (Math.abs(value) >= size) return `${+(value / (sign === "k" ? 1e3 : size)).toPrecision(4)}${sign}`;
    return `${+value.toPrecision(4)}`;
  };
  const unit = (label) => (/\[(.*)\]$/.exec(label) || [, ""])[1];
  const share = (value) => `${+(100 * (1 - 1 / value)).toPrecision(6)} %`;

  const element = (name, text, parent) => {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  // One table of x and y values for all lines of a panel.
  const joined = (series) => {
    const tables = [], same = new Map();
    for (const each of series) {
      const key = JSON.stringify(each.x);
      if (!same.has(key)) {
        same.set(key, tables.length);
        tables.push([each.x]);
      }
      tables[same.get(key)].push(each.y);
    }
    const order = []; // in which `join` returns the lines
    for (const key of same.keys())
      for (const each of series) if (JSON.stringify(each.x) === key) order.push(each);
    const gaps = tables.map((table) => table.map(() => 1));
    return [tables.length > 1 ? uPlot.join(tables, gaps) : tables[0], order, tables.length > 1];
  };

  const spans = (list) => (chart) => {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.fillStyle = GREY;
    for (const [name, begin, end] of list) {
      if (name === "measured") continue;
      const left = Math.max(chart.valToPos(begin, "x", true), bbox.left);
      const right = Math.min(chart.valToPos(end, "x", true), bbox.left + bbox.width);
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  };

  const marked = (panel) => (chart) => {
    const { ctx, bbox } = chart;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    panel.marks.forEach(([label, at, color], row) => {
      const x = chart.valToPos(at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.strokeStyle = color;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillStyle = INK;
      const right = x + ctx.measureText(label).width > bbox.left + bbox.width;
      ctx.textAlign = right ? "right" : "left";
      ctx.fillText(label, x + (right ? -4 : 4) * ratio, bbox.top + (14 + 15 * row) * ratio);
    });
    ctx.strokeStyle = "#a81818";
    for (const limit of panel.limits) {
      const y = chart.valToPos(limit, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  };

  const line = (each, label, apart) => ({
    label: each.label,
    stroke: each.color,
    dash: each.dash,
    width: 1.6,
    fill: each.shape === "steps" ? "#9dbbe0" : undefined,
    spanGaps: apart,
    paths: each.shape === "points" ? () => null
      : each.shape === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: each.shape === "points" ? { show: true, size: 6 } : { show: each.x.length < 3 },
    value: (_, value) => `${number(value)} ${value == null ? "" : unit(label)}`,
  });

  const options = (panel, all, order, apart, log, width) => {
    const isTime = panel.x.kind === "time", isShare = panel.x.kind === "share";
    const place = (label) => order.findIndex((each) => each.label === label) + 1;
    const axis = { font: FONT, stroke: INK, grid: { stroke: LINES, width: 1 }, ticks: { show: false } };
    const ticks = panel.x.ticks;
    const x = isTime ? "time [s]" : panel.x.label;
    const [low, high] = panel.y.range;
    return {
      width,
      height: Math.round(panel.inches * 105) + 50,
      cursor: {
        sync: isTime ? { key: cursors.key, scales: ["x", null] } : undefined,
        drag: { x: true, y: false },
      },
      scales: {
        x: { time: false, distr: panel.x.log ? 3 : 1,
          range: (chart, from, to) => {
            const x = chart.data[0];
            return from <= x[0] && to >= x[x.length - 1] ? panel.x.range : [from, to];
          } },
        y: log ? { distr: 3 } : { range: (_, from, to) => [0, Math.max(to || 0, ...panel.limits) * 1.06 || high || 1] },
      },
      axes: [
        { ...axis, label: x, labelFont: FONT, labelSize: 18, size: 28,
          ...(ticks ? { splits: () => ticks.map(([at]) => at),
            values: (chart) => ticks.map(([at, text]) =>
              (at < chart.scales.x.min || at > chart.scales.x.max ? "" : text)), space: 60, filter: (_, s) => s } : {
            values: (_, splits) => splits.map((each) => (each == null ? "" : number(each))) }) },
        { ...axis, label: panel.y.label.replace(", log.", log ? ", log." : ""), labelFont: FONT,
          labelSize: 18, size: 52,
          values: (_, splits) => splits.map((each) => (each == null ? "" : number(each))) },
      ],
      series: [
        { label: isShare ? "share" : isTime ? "time" : x.replace(/ \[.*/, ""),
          value: (_, value) => (value == null ? "–" : isShare ? share(value)
            : isTime ? `${Math.floor(value)} s` : `${number(value)} ${unit(x)}`) },
        ...order.map((each) => line(each, panel.y.label, apart)),
      ],
      bands: panel.bands.map(([from, to, fill]) => ({ series: [place(to), place(from)], fill })),
      hooks: { drawClear: [spans(all.spans)], draw: [marked(panel)] },
    };
  };

  const draw = (figure, all) => {
    const picture = figure.querySelector("img"), box = document.createElement("div");
    box.className = "charts";
    picture.after(box);
    const buttons = element("p", "", figure);
    buttons.className = "buttons";
    figure.querySelector("figcaption").before(buttons);
    const charts = all.panels.map((panel) => {
      const [data, order, apart] = joined(panel.series);
      const place = element("div", "", box);
      const state = { log: panel.y.log, chart: null, place, panel };
      state.make = () => {
        const before = state.chart && { ...state.chart.scales.x };
        if (state.chart) {
          cursors.unsub(state.chart);
          state.chart.destroy();
        }
        const width = Math.max(240, place.clientWidth);
        state.chart = new uPlot(options(panel, all, order, apart, state.log, width), data, place);
        if (panel.x.kind === "time") cursors.sub(state.chart);
        if (before && before.min != null) state.chart.setScale("x", { min: before.min, max: before.max });
        const over = state.chart.over;
        over.addEventListener("mouseup", () => setTimeout(() => zoomed(state)));
        over.addEventListener("dblclick", () => whole());
      };
      state.make();
      if (panel.x.kind === "time") timed.push(state);
      return state;
    });
    const zoomed = (state) => {
      if (state.panel.x.kind !== "time") return;
      const { min, max } = state.chart.scales.x;
      for (const each of timed) if (each !== state) each.chart.setScale("x", { min, max });
    };
    const whole = () => {
      const group = charts[0].panel.x.kind === "time" ? timed : charts;
      for (const each of group) {
        const x = each.chart.data[0];
        each.chart.setScale("x", { min: x[0], max: x[x.length - 1] });
      }
    };
    const button = (text, act) => {
      const made = element("button", text, buttons);
      made.type = "button";
      made.addEventListener("click", act);
      return made;
    };
    button("whole range", whole);
    if (all.panels.some((panel) => unit(panel.y.label) === "ms")) {
      button("linear / logarithmic", () => {
        for (const state of charts)
          if (unit(state.panel.y.label) === "ms") {
            state.log = !state.log;
            state.make();
          }
      });
    }
    picture.hidden = true;
    figure.classList.add("live");
    return charts;
  };

  const states = [];
  for (const figure of document.querySelectorAll("figure[data-plot]")) {
    try {
      states.push(...draw(figure, JSON.parse(figure.dataset.plot)));
    } catch (error) { // the picture is there
      console.error(error);
      figure.querySelector("img").hidden = false;
      figure.querySelector(".charts")?.remove();
      figure.querySelector(".buttons")?.remove();
    }
  }
  if (states.length) document.documentElement.classList.add("js");
  let width = document.documentElement.clientWidth;
  addEventListener("resize", () => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    for (const state of states)
      state.chart.setSize({ width: Math.max(240, state.place.clientWidth), height: state.chart.height });
  });
})();
