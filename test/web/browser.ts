import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { SharedServer } from '../helpers/http-server.ts';

const EXECUTABLE = '/usr/bin/chromium';

/** False where the system has no browser: tests in one are skipped there. */
export const hasBrowser = existsSync(EXECUTABLE);

/** Debian's Chromium with a profile of its own, which speaks to nobody but the pages it is told to open. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

export interface OpenOptions {
  /** Default: the server's own. */
  token?: string;
  width?: number;
  height?: number;
  scheme?: 'light' | 'dark';
}

/** One dashboard in a browser profile of its own. Notes what must never happen: faults, and requests elsewhere. */
export class Dashboard {
  readonly page: Page;
  readonly faults: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) this.faults.push(`asked for ${request.url()}`);
    });
  }

  static async open(
    browser: Browser,
    server: SharedServer,
    { token = server.token, width = 1280, height = 800, scheme = 'light' }: OpenOptions = {},
  ): Promise<Dashboard> {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    const dashboard = new Dashboard(await context.newPage(), server.url);
    await dashboard.page.goto(`${server.url}/${token === '' ? '' : `#token=${token}`}`);
    return dashboard;
  }

  async select(id: string): Promise<void> {
    await this.page.locator(`[data-id="${id}"]`).click();
    await this.page.locator('.heading h2', { hasText: id }).waitFor();
  }

  /** The rows of the log that are in the document. */
  rows(): Promise<string[]> {
    return this.page.locator('.log-body .row').allInnerTexts();
  }

  async close(): Promise<void> {
    await this.page.context().close();
    expect(this.faults).toEqual([]);
  }
}

/** Asks the server's API as a program does. */
export async function callApi(
  server: SharedServer,
  method: string,
  path: string,
  body?: object,
  client = 'claude-code 2.1',
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      'proctor-client': client,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
