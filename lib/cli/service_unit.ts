/**
 * A unit by which systemd runs a server for one user, as systemd.service(5) and systemd.exec(5) have it. The server
 * reads what the user can, and writes into its cache, and into the folder if that takes uploads.
 */

interface ServiceStart {
  /** What starts the program from any folder. */
  readonly words: readonly string[];
  /** A command and what follows it. */
  readonly args: readonly string[];
  /** Whose paths the arguments may be relative to; absolute. */
  readonly folder: string;
  /** Values may hold specifiers of systemd, such as %C; a percent sign is written twice. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly writable: readonly string[];
  /** The command that prints this unit. */
  readonly again: string;
}

/** Nothing of these is needed to serve files. */
const HARDENING = [
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "ProtectHome=read-only",
  "PrivateDevices=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "LockPersonality=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
];

export function serviceUnit(start: ServiceStart): string {
  const { words, args, folder, environment, writable, again } = start;
  return [
    `# ${again.replaceAll("\n", " ")} > ~/.config/systemd/user/shoal.service`,
    "# systemctl --user daemon-reload && systemctl --user enable --now shoal",
    "# It runs while you are logged in; from the start of the machine on after: loginctl enable-linger",
    "[Unit]",
    "Description=Shoal offers files to the network",
    "",
    "[Service]",
    "Type=exec",
    `WorkingDirectory=${literal(folder)}`,
    `ExecStart=${[...words, ...args].map(commandWord).join(" ")}`,
    ...Object.entries(environment).map(([name, value]) =>
      `Environment=${quoted(`${name}=${value}`)}`
    ),
    "Restart=on-failure",
    "CacheDirectory=shoal",
    ...writable.map((path) => `ReadWritePaths=${quoted(literal(path))}`),
    ...HARDENING,
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}

/** Of a command line, where a dollar sign begins a variable. */
function commandWord(word: string): string {
  return quoted(literal(word).replaceAll("$", "$$$$"));
}

/** Without the specifiers that a percent sign begins. */
export function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(word)) return word;
  return `"${word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
