// Aligned text tables for terminals and, with the same columns, Markdown for reports.

export type Cell = string | number;

/** Rows as an aligned table for terminals, the first of them headings; numbers stand right, words left. */
export function textTable(rows: readonly (readonly Cell[])[]): string {
  const words = rows.map(row => row.map(String));
  const widths = words[0].map((_, column) => Math.max(...words.map(row => row[column].length)));
  const numeric = widths.map((_, column) => rows.slice(1).every(row => /^[-\d.]/.test(String(row[column]))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd();
  return words.map(line).join('\n');
}

/** Rows as a Markdown table, the first of them headings, its columns aligned. */
export function markdownTable(rows: readonly (readonly Cell[])[]): string {
  const words = rows.map(row => row.map(String));
  const widths = words[0].map((_, column) => Math.max(3, ...words.map(row => row[column].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = words;
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** A perplexity with three decimals, or as a power of ten where those would say nothing. */
export function perplexityText(perplexity: number): string {
  return perplexity < 1e6 ? perplexity.toFixed(3) : perplexity.toExponential(2);
}

/** A share as per cent with one decimal: `0.955` as `95.5 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
