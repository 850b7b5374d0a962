/*
 * The page's policy allows no inline styles, and xterm.js writes style elements and style attributes. What it writes
 * goes into constructed style sheets and style properties instead, which the policy lets pass. It takes another document
 * through an option, but not everywhere, so it is this one that is taught.
 */

let taught = false;

/** From now on, style elements and style attributes made by script take effect without being inline. */
export function redirectInlineStyles(page: Document): void {
  if (taught) return;
  taught = true;
  const createElement: unknown = Reflect.get(page, 'createElement');
  const setAttribute: unknown = Reflect.get(Element.prototype, 'setAttribute');
  if (typeof createElement !== 'function' || typeof setAttribute !== 'function') return;
  Object.defineProperty(page, 'createElement', {
    value: (name: string, ...options: unknown[]): unknown =>
      name === 'style'
        ? styleElement(page, page.createElementNS('http://www.w3.org/1999/xhtml', 'span'))
        : Reflect.apply(createElement, page, [name, ...options]),
  });
  HTMLElement.prototype.setAttribute = function (this: HTMLElement, name: string, value: string): void {
    if (name === 'style') this.style.cssText = value;
    else Reflect.apply(setAttribute, this, [name, value]);
  };
}

/** Stands in for a style element: what is written into it becomes an adopted style sheet, for as long as it is there. */
function styleElement(page: Document, element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  page.adoptedStyleSheets.push(sheet);
  element.hidden = true;
  const remove = element.remove.bind(element);
  Object.defineProperties(element, {
    textContent: {
      set: (rules: string) => {
        sheet.replaceSync(rules);
      },
    },
    remove: {
      value: () => {
        const at = page.adoptedStyleSheets.indexOf(sheet);
        if (at !== -1) page.adoptedStyleSheets.splice(at, 1);
        remove();
      },
    },
  });
  return element;
}
