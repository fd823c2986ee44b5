// Characters that do not show, or that change how what is around them shows. Whoever prints what
// somebody else wrote escapes them here: policy for terminals and pages alike.

// Controls, format characters (direction, zero width, tags; Trojan Source, CVE-2021-42574), halves of
// pairs, private and unassigned ones, spaces other than the common one, and what Unicode says may be
// ignored. U+2800 is a braille pattern without a dot.
const UNSEEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * A text of somebody else's, with `\\u200b` in place of each character that does not show. Inside of
 * a JSON string that means the same.
 */
export function escapeUnseen(text: string): string {
  return text.replace(UNSEEN, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
