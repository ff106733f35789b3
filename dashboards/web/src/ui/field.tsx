interface FieldProps {
  label: string;
  value: string;
  change: (value: string) => void;
  complete: "username" | "current-password" | "new-password" | "off";
  hidden?: boolean;
}

export function Field({ label, value, change, complete, hidden }: FieldProps) {
  const input = {
    value,
    required: true,
    autocomplete: complete,
    autocapitalize: "none",
    spellcheck: false,
    onInput: (event: { currentTarget: HTMLInputElement }) => change(event.currentTarget.value),
  } as const;
  return (
    <label class="field">
      <span class="label">{label}</span>
      {hidden ? <input type="password" {...input} /> : <input type="text" {...input} />}
    </label>
  );
}
