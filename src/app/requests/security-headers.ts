import type { NextFunction, Request, Response } from 'express';

/** Headers of every answer: no cache on the way may keep a record, no page may frame or sniff it (OWASP REST Security). */
export function securityHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  next();
}
