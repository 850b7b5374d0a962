/** What a client may show its model about the server as a whole; the protocol asks for brevity. */
export const INSTRUCTIONS = `Proctor runs and controls background processes: dev servers, watchers, builds, tests, REPLs.

1. Run: run_background starts a command and returns its id at once. Give it a name to find it again, and wait_for {port: true}, {log: "..."} or {exit: true} to get the answer when it is ready.
2. Wait: wait_for_log, wait_for_port, wait_for_exit block until something happens or the process ends. Never poll or sleep. A timeout is an answer: call again, with since=cursor for logs.
3. Read: get_output gives clean text; its first line ends in next: since=N, the cursor to continue from. list_processes shows what runs, its ports and how things ended.
4. Talk: send_stdin answers prompts and drives REPLs; wait_for returns the reply in the same call.
5. End: kill_process ends the whole tree and answers when nothing is left. restart_process runs the same command again under the same id.

Ids are names such as "vite" or "python3-2", not pids. Cursors are byte offsets and stay valid; reading consumes nothing. Patterns are RE2. Processes end when this server ends. Errors read "CODE: what happened. What to do next."
`;
