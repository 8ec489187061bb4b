// Amounts as people read and type them; everything else is minor units.

/** "€15.00" */
export function written(minor, { currency, decimals }) {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(minor / 10 ** decimals);
}

/** Minor units of what somebody typed, as in 50, 50.5 or 50,50; null for what is no amount of this currency. */
export function typed(text, { decimals }) {
  const parts = /^(\d{1,8})(?:[.,](\d{0,3}))?$/.exec(text.replace(/\s/g, ""));
  if (!parts || (parts[2] ?? "").length > decimals) return null;
  return Number(parts[1] + (parts[2] ?? "").padEnd(decimals, "0"));
}
