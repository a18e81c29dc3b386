// What is handed on, reports and cards: where files lay on the machine that made them is nobody's business.

/** The root of a disk or a home, of POSIX or of Windows. */
const ROOT = String.raw`(?:~|[A-Za-z]:)?[\\/]`;

/** A path in quotes, which may hold spaces. */
const QUOTED = new RegExp(String.raw`(["'])${ROOT}(?:[^"'\n]*[\\/])?(?=[^"'\\/\n]+[\\/]*\1)`, 'g');

/** Folders in front of a name. */
const FOLDERS = new RegExp(
  String.raw`(^|[\s"'=(,])${ROOT}[\\/]*(?:[^\s"'\\/,)]+[\\/]+)*(?=[^\s"'\\/,)])`,
  'g',
);

/** A text whose absolute paths are cut to their last part. */
export function withoutPlaces(text: string): string {
  return text.replace(QUOTED, '$1').replace(FOLDERS, '$1');
}
