// A button that keeps the focus when there is nothing to press: one that is `disabled` for the browser hands it to the page's
// top, and who uses the keyboard begins there anew.

import type {ComponentChildren, Ref} from 'preact';

export interface ButtonProps {
  readonly children: ComponentChildren;
  readonly class?: string;
  /** What it is called where its words alone do not say. */
  readonly label?: string;
  /** Whether a press does nothing now. Default false. */
  readonly disabled?: boolean;
  readonly element?: Ref<HTMLButtonElement>;
  onPress(): void;
}

export function Button({children, class: name, label, disabled = false, element, onPress}: ButtonProps) {
  return (
    <button
      ref={element}
      class={name}
      type="button"
      aria-label={label}
      aria-disabled={disabled || undefined}
      onClick={() => {
        if (!disabled) onPress();
      }}
    >
      {children}
    </button>
  );
}
