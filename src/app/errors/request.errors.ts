/** A request that the application refuses by itself, before the library is asked. No message echoes what was sent. */
export abstract class RequestError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  /** HTTP status. */
  abstract readonly status: number;

  constructor(
    message: string,
    /** What to do next. */
    readonly hint: string,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** The input does not have the shape that the route documents. */
export class InvalidRequestError extends RequestError {
  readonly code = 'INVALID_INPUT';
  readonly status = 400;
}

/** The body is not JSON. */
export class UnsupportedMediaTypeError extends RequestError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE';
  readonly status = 415;

  constructor() {
    super('The body must be JSON', 'Send it with Content-Type: application/json.');
  }
}

/** No token, or one that does not hold. */
export class UnauthenticatedError extends RequestError {
  readonly code = 'UNAUTHENTICATED';
  readonly status = 401;

  constructor() {
    super(
      'A valid bearer token is needed',
      'Send Authorization: Bearer and a token; in development npm run token prints one.',
    );
  }
}

/** The role of the user does not allow the call. */
export class ForbiddenError extends RequestError {
  readonly code = 'FORBIDDEN';
  readonly status = 403;

  constructor() {
    super('Your role does not allow this', 'Ask an administrator of the clinic.');
  }
}

/** A transfer to the school where the student is already. */
export class SameSchoolError extends RequestError {
  readonly code = 'SAME_SCHOOL';
  readonly status = 409;

  constructor() {
    super('The student is at this school already', 'Name another school.');
  }
}
