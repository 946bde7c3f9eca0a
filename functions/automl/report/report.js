"use strict";
// Draws the charts in the colours of the scheme in use, again when it changes, and in light ones on paper.
(() => {
  const { charts, dark } = JSON.parse(document.getElementById("figures").textContent);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const PAPER_WIDTH = 640;

  const isColor = (key) => key.toLowerCase().endsWith("color") || key === "colorscale";
  const darkened = (value, color = false) => {
    if (typeof value === "string") return (color && dark[value]) || value;
    if (Array.isArray(value)) return value.map((one) => darkened(one, color));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, darkened(one, color || isColor(key))]));
  };

  const draw = (inDark, width) =>
    Promise.all(
      charts.map(({ name, data, layout }) => {
        const figure = inDark ? darkened({ data, layout }) : structuredClone({ data, layout });
        const sized = width ? { ...figure.layout, width, autosize: false } : figure.layout;
        return Plotly.react(`chart-${name}`, figure.data, sized, { displayModeBar: false, responsive: !width });
      }),
    );
  const drawForScreen = () => draw(scheme.matches).then(() => (document.documentElement.dataset.scheme = scheme.matches ? "dark" : "light"));

  scheme.addEventListener("change", drawForScreen);
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((one) => (one.open = true));
    draw(false, PAPER_WIDTH);
  });
  addEventListener("afterprint", drawForScreen);
  drawForScreen();
})();
