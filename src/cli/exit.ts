/** Exit codes, and which of several a command ends with. */
export const EXIT = { asExpected: 0, notAsExpected: 1, wrongUse: 2, cut: 3, internal: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const PRECEDENCE: readonly ExitCode[] = [EXIT.internal, EXIT.wrongUse, EXIT.notAsExpected, EXIT.cut];

export const worst = (codes: readonly ExitCode[]): ExitCode => PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.asExpected;
