/** Names of the model as identifiers of Promela, and so of the C program that is made of it. */

/** Words of Promela, and macros that a C compiler on Linux defines. Words of C cannot arise: all names have a prefix or a "_". */
const TAKEN = ['linux', 'unix', 'tainted', 'wrong'];

export class Names {
  private readonly taken = new Set(TAKEN);

  /** @returns a name that nobody has, as near to what is said as letters allow */
  give(said: string): string {
    const plain = said.replace(/\W+/g, '_').replace(/^_+|_+$/g, '');
    let name = plain;
    for (let n = 2; this.taken.has(name); n++) name = `${plain}_${n}`;
    this.taken.add(name);
    return name;
  }
}

/** Text between the marks of a comment. */
export const commented = (text: string): string => text.replaceAll('*/', '* /').replaceAll('/*', '/ *').replace(/\s+/g, ' ');
