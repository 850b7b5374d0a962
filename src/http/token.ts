import { createHash, timingSafeEqual } from 'node:crypto';

/** Shorter ones can be guessed; other characters would not survive an Authorization header. */
export const TOKEN_PATTERN = /^[\w.~+/=-]{16,}$/;
export const TOKEN_RULE = 'expected at least 16 letters, digits or any of - . _ ~ + / =';

/**
 * Tells whether an Authorization header carries the token. Digests of equal length are compared in constant time, so
 * that the time taken says nothing about how much of a guess was right, nor how long the token is.
 */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization) => {
    const [, given] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
