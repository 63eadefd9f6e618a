const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML content and quoted attributes. */
export function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char);
}
