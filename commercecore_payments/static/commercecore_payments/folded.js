// The tables of the front page stand open where there is room for them, and are folded where there is not. 1024 pixels are
// django-unfold's own limit below which a table's cells stand below each other. Without JavaScript all of them stand open.
const roomy = matchMedia("(min-width: 1024px)");

function fold() {
  for (const table of document.querySelectorAll("details.folded")) {
    table.open = roomy.matches;
  }
}

roomy.addEventListener("change", fold);
fold();
