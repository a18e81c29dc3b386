// Reports are handed on: where files lay on the machine that made them is nobody's business.

/** Folders in front of a name, from the root of a disk or a home: of POSIX, of Windows. */
const FOLDERS = /(^|[\s"'=(,])(?:~|[A-Za-z]:)?[\\/]+(?:[^\s"'\\/,)]+[\\/]+)*(?=[^\s"'\\/,)])/g;

/** A text whose absolute paths are cut to their last part. */
export function withoutPlaces(text: string): string {
  return text.replace(FOLDERS, '$1');
}
