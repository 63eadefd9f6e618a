/** A reason why the stack cannot run that its user can mend: printed as it is, without a stack trace. */
export class StackFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StackFault';
  }
}
