/*
 * proctor-shim: one small supervisor for one process tree.
 *
 *     proctor-shim [--pty COLSxROWS]
 *     proctor-shim --check
 *
 * It starts the program that the server names as the leader of a tree, tells the server what becomes of it, and ends
 * the tree when the server asks or goes away. It leaves when the tree is empty, never before. Until it is told what to
 * start it stands by, with the leader's pipes made: a server keeps one like that, since nothing of a start takes longer
 * than to get here. Output does not pass through it: the server reads the other end of the leader's own pipes or
 * terminal.
 *
 * Why nothing escapes: the shim is a child subreaper. Whatever loses its parent inside the tree becomes the shim's
 * own child, in whatever session, process group or environment. So killing direct children until wait(2) answers
 * ECHILD ends everything, and ECHILD is the proof that nothing is left.
 *
 * Descriptors it is started with: 0, 1, 2 on /dev/null, 3 the control socket, and with --pty 4 the terminal's master.
 * Its own environment means nothing to it and reaches nobody.
 *
 * Control protocol, version 4. Lines of ASCII, at most LINE_BYTES long; words are separated by one space.
 *
 *   shim to server
 *     ready VERSION OUT ERR IN   the leader's pipes exist: the shim's own descriptor numbers of the ends that are the
 *                                server's to open through /proc/SHIM/fd; -1 where there is none. Waits for `start`.
 *     forked PID                 the leader's process is about to run its program. It says so itself, so that the server
 *                                knows it even if the first thing it does is to kill the shim: where the socket ends
 *                                without this line, nothing of the program has run.
 *     started PID                the leader runs its program
 *     error STAGE ERRNO          it does not: STAGE is setup, fork, chdir or exec. Nothing follows.
 *     exit CODE ASKED | signal SIGNO ASKED
 *                                how the leader ended; every byte it wrote is in its pipes by then. ASKED is 1 where it
 *                                still ran when a termination began, else 0
 *     killed PID...              (any number of lines) members seen during a termination that are gone
 *     survivor PID...            (any number of lines) members that SIGKILL has not ended in STUCK_MS
 *     incomplete                 ends a list of survivors; the shim keeps trying
 *     listening SOCKET...        (any number of lines) ADDRESS:PORT:INODE:V6ONLY of TCP sockets of this network
 *                                namespace that listen, whoever holds them: the address in hexadecimal digits, most
 *                                significant first, 8 of them or 32; V6ONLY is 1 for one of IPv6 that refuses IPv4
 *     listened ERRNO             ends a list of sockets: 0 when these were all of them
 *     empty                      nothing of the tree is left. Nothing follows.
 *
 *   Where nothing follows, the shim stays until the server has closed its end: a command that met a closed end would
 *   cost the server whatever it has not read yet.
 *
 *   server to shim
 *     start BYTES ARGC ENVC GRACE_MS open|closed
 *                                the server has its ends: start the leader. BYTES bytes follow the line, strings that
 *                                each end in NUL: the working directory, ARGC arguments, of which the first is the path
 *                                of the program (nothing is looked up on PATH), and ENVC strings that are its whole
 *                                environment. GRACE_MS is the time the tree gets from SIGTERM to SIGKILL when the
 *                                server goes away. With `closed` its standard input is /dev/null, and the pipe or
 *                                terminal for it is not used.
 *     signal SIGNO               to the leader; SIGSTOP and SIGCONT to the whole tree
 *     terminate SIGNO GRACE_MS   SIGNO to every member, SIGKILL after the grace. A later one can only shorten the
 *                                grace; its signal is delivered if it is a different one.
 *     resize COLS ROWS           of the terminal
 *     listening                  asks for the list of sockets; each one is answered, in turn
 *
 *   End of file on the control socket is the lifeline: the server is gone, so is its right to run a tree.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL_VERSION 4

/* Newer than some libc headers; the numbers are the same on every architecture. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum {
	CONTROL_FD = 3,
	MASTER_FD = 4,
	LINE_BYTES = 512,
	/* A sign, the digits of 64 bits, and the end. */
	NUMBER_BYTES = 22,
	/* Room in the output pipes, so that a busy server does not hold the tree up. Linux gives 64 KiB by itself. */
	PIPE_BYTES = 256 * 1024,
	/* PID_MAX_LIMIT: no 64-bit kernel hands out a higher pid. */
	PID_LIMIT = 4 * 1024 * 1024,
	/* Processes of the whole machine that one look can hold. Those beyond it miss the polite signal, not SIGKILL. */
	TABLE_SIZE = 32768,
	/* More pids than this tell the reader of a report nothing. */
	MAX_REPORTED = 4096,
	/* SIGKILL ends a thousand processes in a tenth of a second: what outlives this long cannot be killed by us. */
	STUCK_MS = 3000,
	/* Between two attempts on what SIGKILL does not end. */
	MAX_PAUSE_MS = 64,
	MAX_GRACE_MS = 24 * 60 * 60 * 1000,
	/* Linux runs no program with more than 6 MiB of arguments, environment and pointers to them, whatever the limits. */
	LAUNCH_BYTES = 8 * 1024 * 1024,
	LAUNCH_STRINGS = LAUNCH_BYTES / sizeof(char *),
	/* PF_EXITING, among the flags of /proc/PID/stat. */
	EXITING = 4,
};

/* What the leader is started with. Descriptors are -1 where there is none. */
struct start {
	bool pty;
	struct winsize size;
	/* The leader's ends. */
	int in, out, err;
	/* The server's ends, closed here as soon as it has opened them. */
	int server_in, server_out, server_err;
};

/* What a `start` tells: one mapping, with the vectors before the strings, which is given back when the leader is forked. */
struct launch {
	char **argv, **env;
	const char *cwd;
	long argc, envc;
	bool stdin_open;
	size_t mapped;
	char *text;
	/* Of the strings. */
	size_t bytes, filled;
};

/* One process of the machine at the moment of a look. */
struct entry {
	pid_t pid, ppid;
	bool member;
	/* It has begun to exit, and no other thread of it goes on. */
	bool leaving;
	/* Ticks from boot to its start: with the pid, this is an identity. */
	unsigned long long started;
};

/* A set of pids. Costs memory only for the pages that hold one. */
typedef uint8_t pid_set[PID_LIMIT / 8];

static pid_t shim;
static pid_t leader;
static bool leader_ended;
/* It still ran when a termination began. */
static bool leader_asked;
static bool childless;
static int leader_slave = -1; /* the terminal, held so that its output outlives the leader until it is read */
static int exec_result = -1;  /* end of file here: the exec succeeded */
static int child_signals = -1;
static int proc = -1;     /* /proc */
static int children = -1; /* the kernel's own list of our children */

static bool server_gone;
static long orphan_grace_ms;

static bool terminating;
static int terminating_with;
static int64_t deadline;
static int64_t stuck_at;
static int pause_ms;
/* Seen in the tree since termination began. */
static pid_set seen;
/* Sent SIGKILL and not reaped since. */
static pid_set doomed;

static struct entry table[TABLE_SIZE];
static size_t table_length;

/* --- small tools ------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has(const uint8_t *set, pid_t pid)
{
	return pid > 0 && pid < PID_LIMIT && (set[pid / 8] >> (pid % 8) & 1) != 0;
}

static void add(uint8_t *set, pid_t pid)
{
	if (pid > 0 && pid < PID_LIMIT)
		set[pid / 8] = (uint8_t)(set[pid / 8] | 1 << pid % 8);
}

static void drop(uint8_t *set, pid_t pid)
{
	/* Not written where nothing changes: a write would make the page ours. */
	if (has(set, pid))
		set[pid / 8] = (uint8_t)(set[pid / 8] & ~(1 << pid % 8));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Reads a decimal number and moves past it. -1 where there is none, or one above max. */
static long take_number(const char **text, long max)
{
	long value = 0;
	const char *at = *text;
	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (*at - '0');
		if (value > max)
			return -1;
	}
	if (at == *text)
		return -1;
	*text = at;
	return value;
}

/* The number that makes up the whole text, else -1. */
static long whole_number(const char *text, long max)
{
	long value = take_number(&text, max);
	return *text == '\0' ? value : -1;
}

/* Takes "A<separator>B" and nothing more. */
static bool two_numbers(const char *text, char separator, long max_a, long max_b, long *a, long *b)
{
	*a = take_number(&text, max_a);
	if (*a < 0 || *text != separator)
		return false;
	*b = whole_number(text + 1, max_b);
	return *b >= 0;
}

/* --- reports ---------------------------------------------------------------------------------------------------- */

struct line {
	char text[LINE_BYTES];
	size_t length;
};

static void put(struct line *line, const char *word)
{
	size_t length = strlen(word);
	if (line->length + length + 2 > sizeof line->text)
		return;
	if (line->length > 0)
		line->text[line->length++] = ' ';
	memcpy(line->text + line->length, word, length);
	line->length += length;
}

/* Writes a number to the end of `digits`. Returns where it begins; one byte before that is free. */
static char *decimal(char digits[NUMBER_BYTES], unsigned long value)
{
	char *at = digits + NUMBER_BYTES - 1;
	*at = '\0';
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return at;
}

static void put_number(struct line *line, long value)
{
	char digits[NUMBER_BYTES];
	char *at = decimal(digits, value < 0 ? 0UL - (unsigned long)value : (unsigned long)value);
	if (value < 0)
		*--at = '-';
	put(line, at);
}

/* Waits where the socket is full: reports are few, and a server that reads none ends up closing its end. */
static void send_line(struct line *line)
{
	size_t sent = 0;
	line->text[line->length++] = '\n';
	while (sent < line->length && !server_gone) {
		ssize_t n = write(CONTROL_FD, line->text + sent, line->length - sent);
		if (n > 0) {
			sent += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd room = {.fd = CONTROL_FD, .events = POLLOUT};
			poll(&room, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			/* SIGPIPE is blocked. Reading finds the end of file and does what is to be done. */
			break;
		}
	}
	line->length = 0;
}

static void report(const char *word)
{
	struct line line = {.length = 0};
	put(&line, word);
	send_line(&line);
}

static void report_number(const char *word, long value)
{
	struct line line = {.length = 0};
	put(&line, word);
	put_number(&line, value);
	send_line(&line);
}

static void report_error(const char *stage, int error)
{
	struct line line = {.length = 0};
	put(&line, "error");
	put(&line, stage);
	put_number(&line, error);
	send_line(&line);
}

/* After the last report: nobody obeys any more, but what the server sends is taken, until it has closed its end. */
static void await_close(void)
{
	char ignored[LINE_BYTES];
	while (!server_gone) {
		struct pollfd control = {.fd = CONTROL_FD, .events = POLLIN};
		ssize_t n;
		poll(&control, 1, -1);
		n = read(CONTROL_FD, ignored, sizeof ignored);
		server_gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	}
}

static _Noreturn void give_up(const char *stage, int error)
{
	report_error(stage, error);
	await_close();
	_exit(1);
}

/* Adds a pid to a report of many lines. */
static void list_pid(struct line *line, const char *word, pid_t pid)
{
	if (line->length > sizeof line->text - 16)
		send_line(line);
	if (line->length == 0)
		put(line, word);
	put_number(line, pid);
}

static void finish_list(struct line *line)
{
	if (line->length > 0)
		send_line(line);
}

/* Reports what termination has seen and forgets it. */
static void report_killed(void)
{
	struct line line = {.length = 0};
	int count = 0;
	for (size_t at = 0; at < sizeof seen; at++) {
		if (seen[at] == 0)
			continue;
		for (int bit = 0; bit < 8; bit++) {
			if ((seen[at] >> bit & 1) != 0 && count++ < MAX_REPORTED)
				list_pid(&line, "killed", (pid_t)(at * 8) + bit);
		}
		seen[at] = 0;
	}
	finish_list(&line);
}

/* --- looking at the tree ---------------------------------------------------------------------------------------- */

/* Reads a small file below /proc as a string. Negative when the process has vanished. */
static ssize_t read_proc(const char *path, char *buffer, size_t size)
{
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	if (fd < 0)
		return -1;
	length = read(fd, buffer, size - 1);
	close(fd);
	buffer[length > 0 ? length : 0] = '\0';
	return length;
}

static const char *skip_fields(const char *at, int count)
{
	while (count > 0 && *at != '\0')
		if (*at++ == ' ')
			count--;
	return at;
}

/* Fills in one process from /proc/PID/stat, whose fields are numbered in proc(5): 4, 9, 20 and 22 are read. */
static bool look_at(const char *pid, struct entry *entry)
{
	char path[32], stat[1024];
	const char *at;
	size_t length = strlen(pid);
	unsigned long long flags, threads;
	long ppid;

	if (length > 10)
		return false;
	memcpy(path, pid, length);
	memcpy(path + length, "/stat", sizeof "/stat");
	if (read_proc(path, stat, sizeof stat) <= 0)
		return false;
	/* The name in parentheses may hold anything, parentheses too: fields are counted from the last one. */
	at = strrchr(stat, ')');
	if (at == NULL || strlen(at) < 5)
		return false;
	at += 4;
	ppid = take_number(&at, PID_LIMIT);
	at = skip_fields(at, 5);
	flags = strtoull(at, NULL, 10);
	at = skip_fields(at, 11);
	threads = strtoull(at, NULL, 10);
	at = skip_fields(at, 2);
	entry->pid = (pid_t)whole_number(pid, PID_LIMIT);
	entry->ppid = (pid_t)ppid;
	entry->member = false;
	entry->leaving = (flags & EXITING) != 0 && threads <= 1;
	entry->started = strtoull(at, NULL, 10);
	return entry->pid > 0 && ppid >= 0;
}

/* Takes every process of the machine into the table. */
static void look_at_all(void)
{
	/* As the kernel lays it out; libc's readdir would allocate. */
	struct dirent64_head {
		uint64_t ino;
		int64_t next;
		uint16_t length;
		uint8_t type;
	};
	static _Alignas(8) char buffer[16384];
	long filled;

	table_length = 0;
	if (proc < 0 || lseek(proc, 0, SEEK_SET) < 0)
		return;
	while ((filled = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < filled;) {
			struct dirent64_head head;
			const char *name = buffer + at + offsetof(struct dirent64_head, type) + 1;
			memcpy(&head, buffer + at, sizeof head);
			at += head.length;
			if (*name >= '1' && *name <= '9' && table_length < TABLE_SIZE &&
			    look_at(name, &table[table_length]))
				table_length++;
		}
	}
}

/*
 * Marks the members of our tree: the closure of "my parent is the shim or a member". Children mostly have higher pids
 * than their parents and stand after them, so two passes do unless pids have wrapped. Returns how many there are.
 */
static size_t mark_members(void)
{
	static pid_set members;
	size_t count = 0;
	bool grown = true;

	while (grown) {
		grown = false;
		for (size_t i = 0; i < table_length; i++) {
			struct entry *entry = &table[i];
			if (entry->member || (entry->ppid != shim && !has(members, entry->ppid)))
				continue;
			entry->member = true;
			add(members, entry->pid);
			grown = true;
			count++;
		}
	}
	for (size_t i = 0; i < table_length; i++)
		drop(members, table[i].pid);
	return count;
}

/* Calls visit for each direct child that can be found; all of them are unreaped, so their pids are surely theirs. */
static void each_child(void (*visit)(pid_t))
{
	char buffer[4096];
	long pid = 0;
	bool digits = false;
	ssize_t length;

	if (children >= 0 && lseek(children, 0, SEEK_SET) == 0) {
		while ((length = read(children, buffer, sizeof buffer)) > 0) {
			for (ssize_t i = 0; i < length; i++) {
				if (buffer[i] >= '0' && buffer[i] <= '9') {
					pid = pid * 10 + (buffer[i] - '0');
					digits = true;
				} else if (digits) {
					visit((pid_t)pid);
					pid = 0;
					digits = false;
				}
			}
		}
		return;
	}
	/* A kernel without that list. */
	look_at_all();
	if (table_length > 0) {
		for (size_t i = 0; i < table_length; i++)
			if (table[i].ppid == shim)
				visit(table[i].pid);
		return;
	}
	/* No /proc: ask the kernel about every pid there can be. Half a second at worst, and exact. */
	for (pid_t candidate = 2; candidate < PID_LIMIT; candidate++) {
		siginfo_t info;
		if (waitid(P_PID, (id_t)candidate, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
			visit(candidate);
	}
}

/* --- signalling ------------------------------------------------------------------------------------------------- */

/* A stopped process acts on a signal only when it goes on. */
static void kill_and_wake(pid_t pid, int signo)
{
	kill(pid, signo);
	if (signo != SIGSTOP)
		kill(pid, SIGCONT);
}

/*
 * Signals one member found by a look. A direct child keeps its pid until we reap it, so kill(2) is exact. A deeper one
 * may have been reaped by its parent since, and its pid given to a stranger: it is held by a pidfd, seen to be the
 * same process still, and signalled through that. Kernels before 5.3 have no pidfd; there the last look must do.
 */
static void signal_member(const struct entry *entry, int signo)
{
	char name[16];
	struct line text = {.length = 0};
	struct entry again;
	int pidfd;

	if (entry->ppid == shim) {
		kill_and_wake(entry->pid, signo);
		return;
	}
	put_number(&text, entry->pid);
	memcpy(name, text.text, text.length);
	name[text.length] = '\0';
	pidfd = (int)syscall(SYS_pidfd_open, entry->pid, 0);
	if (look_at(name, &again) && again.started == entry->started) {
		if (pidfd >= 0) {
			syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
			if (signo != SIGSTOP)
				syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
		} else {
			kill_and_wake(entry->pid, signo);
		}
	}
	close_fd(&pidfd);
}

/* Takes note of whether what begins now can be what ends the leader: not if that is on its way out already. */
static void ask_leader(void)
{
	struct entry now;
	siginfo_t info = {.si_pid = 0};
	char name[NUMBER_BYTES];

	if (leader == 0 || leader_ended)
		return;
	waitid(P_PID, (id_t)leader, &info, WEXITED | WNOHANG | WNOWAIT);
	/* For a while it does not wait to be reaped yet, and takes no signal any more. */
	if (info.si_pid == 0 && !(look_at(decimal(name, (unsigned long)leader), &now) && now.leaving))
		leader_asked = true;
}

static int visited_signal;

static void visit_signal(pid_t pid)
{
	const struct entry entry = {.pid = pid, .ppid = shim};
	if (terminating)
		add(seen, pid);
	signal_member(&entry, visited_signal);
}

/*
 * Signals every member that is there now. The look comes wholly before the first signal, so that helpers which a
 * member starts to clean up after itself are left to do that.
 */
static void signal_tree(int signo)
{
	look_at_all();
	if (terminating)
		ask_leader();
	if (mark_members() == 0) {
		/* No /proc: the direct children are what we know. */
		visited_signal = signo;
		each_child(visit_signal);
		return;
	}
	for (size_t i = 0; i < table_length; i++)
		if (table[i].member && terminating)
			add(seen, table[i].pid);
	for (size_t i = 0; i < table_length; i++)
		if (table[i].member)
			signal_member(&table[i], signo);
}

/*
 * A process that becomes ours during the grace was forked while the look was under way, or left behind by a parent that
 * did as it was told: without the signal, the whole grace would be waited for it.
 */
static void visit_orphan(pid_t pid)
{
	if (has(seen, pid))
		return;
	add(seen, pid);
	kill_and_wake(pid, terminating_with);
}

static bool found_fresh;

static void visit_kill(pid_t pid)
{
	add(seen, pid);
	if (has(doomed, pid))
		return;
	/* Fails for what has become another user's: it stays on the list and is told as a survivor. */
	if (kill(pid, SIGKILL) == 0) {
		add(doomed, pid);
		found_fresh = true;
	}
}

/*
 * One round of killing. Only direct children are killed: their pids cannot have been reused, and a child's own
 * children become ours the moment it dies, so the next round has them. A line of a thousand generations ends in the
 * time of a thousand siblings, and one look at the kernel's list of children is far quicker than a walk through /proc:
 * a process that replaces itself every 50 microseconds does not outrun it.
 */
static bool kill_children(void)
{
	found_fresh = false;
	each_child(visit_kill);
	return found_fresh;
}

static void terminate(int signo, long grace_ms)
{
	int64_t until = now_ms() + (signo == SIGKILL ? 0 : grace_ms);
	bool first = !terminating;

	terminating = true;
	if (first || until < deadline)
		deadline = until;
	stuck_at = deadline + STUCK_MS;
	first = first || signo != terminating_with;
	terminating_with = signo;
	/* One that stands by has nothing to look for. */
	if (first && signo != SIGKILL && leader != 0)
		signal_tree(signo);
	else
		ask_leader();
}

static size_t survivors;
static struct line survivor_line;

static void visit_survivor(pid_t pid)
{
	drop(seen, pid);
	list_pid(&survivor_line, "survivor", pid);
	survivors++;
}

/* Tells who is left when SIGKILL has had its time. */
static void report_survivors(void)
{
	survivors = 0;
	look_at_all();
	if (mark_members() > 0) {
		for (size_t i = 0; i < table_length; i++)
			if (table[i].member && survivors < MAX_REPORTED)
				visit_survivor(table[i].pid);
	} else {
		each_child(visit_survivor);
	}
	finish_list(&survivor_line);
	if (survivors > 0) {
		report_killed();
		report("incomplete");
	}
	stuck_at = INT64_MAX;
}

/* --- starting the leader ---------------------------------------------------------------------------------------- */

static void make_pipe(int *read_end, int *write_end)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("setup", errno);
	*read_end = ends[0];
	*write_end = ends[1];
}

/* Pipes, not sockets: `echo x > /dev/stdout` opens its output again, which a socket does not allow. */
static void make_pipes(struct start *start)
{
	make_pipe(&start->server_out, &start->out);
	make_pipe(&start->server_err, &start->err);
	make_pipe(&start->in, &start->server_in);
	/* Refused when the user has many big pipes already; the usual size serves too. */
	(void)fcntl(start->out, F_SETPIPE_SZ, PIPE_BYTES);
	(void)fcntl(start->err, F_SETPIPE_SZ, PIPE_BYTES);
}

/* The slave stays open here as long as the shim lives: a terminal that nobody holds drops what it has not handed on. */
static void make_terminal(struct start *start)
{
	int unlock = 0, master = MASTER_FD;
	struct termios settings;

	if (ioctl(MASTER_FD, TIOCSPTLCK, &unlock) < 0 || ioctl(MASTER_FD, TIOCSWINSZ, &start->size) < 0)
		give_up("setup", errno);
	leader_slave = ioctl(MASTER_FD, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (leader_slave < 0)
		give_up("setup", errno);
	/* Erasing a character erases all its bytes. */
	if (tcgetattr(leader_slave, &settings) == 0) {
		settings.c_iflag |= IUTF8;
		tcsetattr(leader_slave, TCSANOW, &settings);
	}
	start->in = start->out = start->err = leader_slave;
	/* The server's end is the only one: closing it hangs the terminal up. */
	close_fd(&master);
}

struct failure {
	char stage[8];
	int error;
};

static _Noreturn void fail_start(int fd, const char *stage)
{
	struct failure failure = {.error = errno};
	memcpy(failure.stage, stage, strlen(stage));
	if (write(fd, &failure, sizeof failure) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void become_leader(const struct start *start, const struct launch *launch, int failed)
{
	sigset_t none;

	/* A session of its own: signals to "my process group" stay inside the tree. */
	setsid();
	if (start->pty && ioctl(leader_slave, TIOCSCTTY, 0) < 0)
		fail_start(failed, "setup");
	if (dup2(launch->stdin_open ? start->in : STDIN_FILENO, STDIN_FILENO) < 0 ||
	    dup2(start->out, STDOUT_FILENO) < 0 || dup2(start->err, STDERR_FILENO) < 0)
		fail_start(failed, "setup");
	/* Everything else is close-on-exec. */

	/* Ignored signals and the mask would be inherited through exec, and break pipelines and shells. */
	for (int signo = 1; signo < _NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	/* If somebody kills the shim, at least the leader goes with it. The shim may have died before the call. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != shim)
		_exit(127);
	if (chdir(launch->cwd) < 0)
		fail_start(failed, "chdir");
	report_number("forked", getpid());
	execve(launch->argv[0], launch->argv, launch->env);
	fail_start(failed, "exec");
}

static void start_leader(struct start *start, struct launch *launch)
{
	int failed;

	/* The server has these open by now. Left open, they would keep the leader from ever seeing that it has gone. */
	close_fd(&start->server_in);
	close_fd(&start->server_out);
	close_fd(&start->server_err);

	make_pipe(&exec_result, &failed);
	leader = fork();
	if (leader < 0)
		give_up("fork", errno);
	if (leader == 0)
		become_leader(start, launch, failed);
	munmap(launch->argv, launch->mapped);
	close_fd(&failed);
	if (!start->pty) {
		close_fd(&start->in);
		close_fd(&start->out);
		close_fd(&start->err);
	}
}

/* Called once the child has either run FILE or failed to: does not block then. */
static void take_exec_result(void)
{
	struct failure failure;
	ssize_t n;

	if (exec_result < 0)
		return;
	do
		n = read(exec_result, &failure, sizeof failure);
	while (n < 0 && errno == EINTR);
	close_fd(&exec_result);
	if (n == (ssize_t)sizeof failure) {
		while (waitpid(leader, NULL, 0) < 0 && errno == EINTR)
			;
		failure.stage[sizeof failure.stage - 1] = '\0';
		give_up(failure.stage, failure.error);
	}
	report_number("started", leader);
}

/* --- what to start ---------------------------------------------------------------------------------------------- */

/* Reads the line of a `start` and makes room for what follows it. */
static void expect_launch(const char *line, struct launch *launch)
{
	long numbers[4];
	size_t vectors;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		numbers[i] = take_number(&line, INT32_MAX);
		if (numbers[i] < 0 || *line++ != ' ')
			give_up("setup", EPROTO);
	}
	launch->argc = numbers[1];
	launch->envc = numbers[2];
	orphan_grace_ms = numbers[3];
	launch->stdin_open = strcmp(line, "open") == 0;
	if (numbers[0] < 1 || launch->argc < 1 || orphan_grace_ms > MAX_GRACE_MS ||
	    (!launch->stdin_open && strcmp(line, "closed") != 0))
		give_up("setup", EPROTO);
	if (numbers[0] > LAUNCH_BYTES || launch->argc + launch->envc > LAUNCH_STRINGS)
		give_up("exec", E2BIG);

	launch->bytes = (size_t)numbers[0];
	/* Each vector ends in a null pointer. */
	vectors = (size_t)(launch->argc + 1 + launch->envc + 1);
	launch->mapped = vectors * sizeof(char *) + launch->bytes;
	launch->argv = mmap(NULL, launch->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (launch->argv == MAP_FAILED)
		give_up("exec", errno);
	launch->env = launch->argv + launch->argc + 1;
	launch->text = (char *)(launch->argv + vectors);
}

/* Points to the next string, and moves past it. NULL where the strings are at their end. */
static char *next_string(const struct launch *launch, size_t *at)
{
	char *string = launch->text + *at;
	const char *end = memchr(string, '\0', launch->bytes - *at);
	if (end == NULL)
		return NULL;
	*at += (size_t)(end - string) + 1;
	return string;
}

/* Points the vectors to their strings. False where there are more or fewer than announced. */
static bool lay_out(struct launch *launch)
{
	size_t at = 0;
	launch->cwd = next_string(launch, &at);
	for (long i = 0; i < launch->argc; i++)
		if ((launch->argv[i] = next_string(launch, &at)) == NULL)
			return false;
	for (long i = 0; i < launch->envc; i++)
		if ((launch->env[i] = next_string(launch, &at)) == NULL)
			return false;
	return at == launch->bytes;
}

/* Takes note of bytes that have been put into the launch, and starts the leader with the last of them. */
static void launch_filled(struct launch *launch, size_t count, struct start *start)
{
	launch->filled += count;
	if (launch->filled < launch->bytes)
		return;
	if (!lay_out(launch))
		give_up("setup", EPROTO);
	start_leader(start, launch);
}

/* --- reaping ---------------------------------------------------------------------------------------------------- */

static void report_exit(int status)
{
	struct line line = {.length = 0};
	leader_ended = true;
	/* It was still to be seen when the others were signalled. */
	if (!leader_asked)
		drop(seen, leader);
	put(&line, WIFSIGNALED(status) ? "signal" : "exit");
	put_number(&line, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	put_number(&line, leader_asked);
	send_line(&line);
}

/*
 * Lets go of a process that asked its parent to trace it, as programs do that want nobody else to: it has stopped for
 * a signal, which it gets now, or for the trap of its exec, which only a tracer would want.
 */
static void release(pid_t pid, int signo)
{
	siginfo_t info;
	if (signo == SIGTRAP && ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0 && info.si_code == SI_USER)
		signo = 0;
	ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)signo);
}

/* Takes note of every child that has ended. Tells whether there was one. */
static bool reap(void)
{
	bool any = false;
	int status;

	if (leader == 0)
		return false;
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0) {
			childless = pid < 0;
			return any;
		}
		if (WIFSTOPPED(status)) {
			release(pid, WSTOPSIG(status));
			continue;
		}
		any = true;
		drop(doomed, pid);
		if (terminating)
			add(seen, pid);
		if (pid == leader) {
			take_exec_result();
			report_exit(status);
		}
	}
}

/* --- sockets that listen ---------------------------------------------------------------------------------------- */

/*
 * NETLINK_SOCK_DIAG, as sock_diag(7) and the kernel's headers lay it out; the headers do not come with every libc. The
 * kernel picks the sockets that listen out of their own small table: tens of microseconds, where /proc/net/tcp walks
 * through the table of all connections for ten milliseconds.
 */
enum {
	SOCK_DIAG = 4,
	SOCK_DIAG_BY_FAMILY = 20,
	MESSAGE_REQUEST = 0x001,
	MESSAGE_DUMP = 0x300,
	MESSAGE_ERROR = 2,
	MESSAGE_DONE = 3,
	STATE_LISTEN = 10,
	ATTRIBUTE_V6ONLY = 11,
};

struct message {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, port;
};

struct socket_id {
	uint8_t port[2], peer_port[2];
	uint8_t address[16], peer_address[16];
	uint32_t interface, cookie[2];
};

struct socket_request {
	uint8_t family, protocol, extensions, unused;
	uint32_t states;
	struct socket_id id;
};

struct socket_answer {
	uint8_t family, state, timer, retransmits;
	struct socket_id id;
	uint32_t expires, receive_queue, send_queue, user, inode;
};

struct attribute {
	uint16_t length, type;
};

/* Messages and attributes start at multiples of four bytes. */
static size_t aligned(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

/* Adds one socket to the list. `attributes` are those that follow the answer proper. */
static void list_socket(struct line *line, const struct socket_answer *answer, const char *attributes, size_t length)
{
	static const char hex[] = "0123456789abcdef";
	/* 32 digits, three colons, 5 digits, 10 and 1. */
	char word[64];
	size_t at = 0, address_bytes = answer->family == AF_INET ? 4 : 16;
	const unsigned long numbers[] = {(unsigned long)answer->id.port[0] << 8 | answer->id.port[1], answer->inode};
	bool v6only = false;
	struct attribute attribute;

	for (size_t from = 0; from + sizeof attribute < length; from += aligned(attribute.length)) {
		memcpy(&attribute, attributes + from, sizeof attribute);
		if (attribute.length < sizeof attribute)
			break;
		if (attribute.type == ATTRIBUTE_V6ONLY)
			v6only = attributes[from + sizeof attribute] != 0;
	}
	for (size_t i = 0; i < address_bytes; i++) {
		word[at++] = hex[answer->id.address[i] >> 4];
		word[at++] = hex[answer->id.address[i] & 15];
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char digits[NUMBER_BYTES];
		const char *text = decimal(digits, numbers[i]);
		word[at++] = ':';
		memcpy(word + at, text, strlen(text));
		at += strlen(text);
	}
	word[at++] = ':';
	word[at++] = v6only ? '1' : '0';
	word[at] = '\0';

	if (line->length + at + 2 > sizeof line->text)
		send_line(line);
	if (line->length == 0)
		put(line, "listening");
	put(line, word);
}

/* Takes one datagram of an answer. Returns -1 while more follow, else an errno. */
static int take_sockets(struct line *line, const char *buffer, size_t filled)
{
	struct message message;
	for (size_t at = 0; at + sizeof message <= filled; at += aligned(message.length)) {
		const char *body = buffer + at + sizeof message;
		struct socket_answer answer;
		memcpy(&message, buffer + at, sizeof message);
		if (message.length < sizeof message || message.length > filled - at)
			return EBADMSG;
		if (message.type == MESSAGE_DONE || message.type == MESSAGE_ERROR) {
			/* Both begin with the negative of an errno. */
			int32_t result = 0;
			if (message.length >= sizeof message + sizeof result)
				memcpy(&result, body, sizeof result);
			return result < 0 ? -result : message.type == MESSAGE_DONE ? 0 : EBADMSG;
		}
		if (message.type != SOCK_DIAG_BY_FAMILY || message.length < sizeof message + sizeof answer)
			continue;
		memcpy(&answer, body, sizeof answer);
		list_socket(line, &answer, body + sizeof answer, message.length - sizeof message - sizeof answer);
	}
	return -1;
}

/* Lists the sockets of one address family. Returns 0 or an errno. */
static int list_family(struct line *line, int netlink, uint8_t family)
{
	/* The kernel fills datagrams of a page or two, and longer ones only for those who read more at once. */
	static _Alignas(8) char buffer[16384];
	struct {
		struct message head;
		struct socket_request body;
	} request = {
		.head =
			{
				.length = sizeof request,
				.type = SOCK_DIAG_BY_FAMILY,
				.flags = MESSAGE_REQUEST | MESSAGE_DUMP,
			},
		.body = {.family = family, .protocol = IPPROTO_TCP, .states = 1 << STATE_LISTEN},
	};
	int result = -1;

	if (send(netlink, &request, sizeof request, 0) < 0)
		return errno;
	while (result < 0) {
		/* Every datagram of a dump is there when it is asked for: no waiting, not even for a kernel that errs. */
		ssize_t n = recv(netlink, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		result = (size_t)n > sizeof buffer ? EMSGSIZE : take_sockets(line, buffer, (size_t)n);
	}
	return result;
}

static void list_sockets(void)
{
	struct line line = {.length = 0};
	int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, SOCK_DIAG);
	int result = netlink < 0 ? errno : list_family(&line, netlink, AF_INET);

	if (result == 0)
		result = list_family(&line, netlink, AF_INET6);
	close_fd(&netlink);
	finish_list(&line);
	report_number("listened", result);
}

/* --- commands --------------------------------------------------------------------------------------------------- */

static void obey(const char *command, struct launch *launch)
{
	long a, b;

	if (strncmp(command, "start ", 6) == 0 && leader == 0) {
		expect_launch(command + 6, launch);
	} else if (strcmp(command, "listening") == 0) {
		list_sockets();
	} else if (strncmp(command, "signal ", 7) == 0) {
		a = whole_number(command + 7, _NSIG - 1);
		if (a == SIGSTOP || a == SIGCONT)
			signal_tree((int)a);
		else if (a > 0 && leader > 0 && !leader_ended)
			kill(leader, (int)a);
	} else if (strncmp(command, "terminate ", 10) == 0) {
		if (two_numbers(command + 10, ' ', _NSIG - 1, MAX_GRACE_MS, &a, &b) && a > 0) {
			/* What has ended by now is not among those that are ended. */
			reap();
			if (!childless)
				terminate((int)a, b);
		}
	} else if (strncmp(command, "resize ", 7) == 0) {
		if (leader_slave >= 0 && two_numbers(command + 7, ' ', UINT16_MAX, UINT16_MAX, &a, &b)) {
			struct winsize size = {.ws_col = (unsigned short)a, .ws_row = (unsigned short)b};
			ioctl(leader_slave, TIOCSWINSZ, &size);
		}
	}
}

static void read_commands(struct start *start)
{
	static char pending[LINE_BYTES];
	static size_t length;
	static struct launch launch;

	while (!server_gone) {
		size_t missing = launch.bytes - launch.filled;
		char *line = pending, *end;
		/* What a launch lacks is read to its place, without waiting for it: the lifeline may end in the middle. */
		ssize_t n = missing > 0 ? read(CONTROL_FD, launch.text + launch.filled, missing)
					: read(CONTROL_FD, pending + length, sizeof pending - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			server_gone = true;
			terminate(SIGTERM, orphan_grace_ms);
			return;
		}
		if (missing > 0) {
			launch_filled(&launch, (size_t)n, start);
			continue;
		}
		length += (size_t)n;
		while ((end = memchr(line, '\n', length - (size_t)(line - pending))) != NULL) {
			size_t rest;
			*end = '\0';
			obey(line, &launch);
			line = end + 1;
			missing = launch.bytes - launch.filled;
			if (missing == 0)
				continue;
			rest = length - (size_t)(line - pending);
			if (rest > missing)
				rest = missing;
			memcpy(launch.text + launch.filled, line, rest);
			line += rest;
			launch_filled(&launch, rest, start);
		}
		length -= (size_t)(line - pending);
		memmove(pending, line, length);
		/* No command is this long: what fills the buffer is not one. */
		if (length == sizeof pending)
			length = 0;
	}
}

/* --- supervising ------------------------------------------------------------------------------------------------ */

static int wait_ms(void)
{
	int64_t left;
	if (!terminating)
		return -1;
	left = deadline - now_ms();
	if (left <= 0)
		return pause_ms;
	return left > 60000 ? 60000 : (int)left;
}

static void supervise(struct start *start)
{
	/* A tree that was told to end before it began is empty. */
	while (!childless && !(terminating && leader == 0)) {
		struct pollfd events[] = {
			{.fd = server_gone ? -1 : CONTROL_FD, .events = POLLIN},
			{.fd = child_signals, .events = POLLIN},
			{.fd = exec_result, .events = POLLIN},
		};
		struct signalfd_siginfo ignored;
		bool progress;

		if (poll(events, sizeof events / sizeof *events, wait_ms()) < 0 && errno != EINTR)
			_exit(1);
		if (events[2].revents != 0)
			take_exec_result();
		if (events[0].revents != 0)
			read_commands(start);
		while (read(child_signals, &ignored, sizeof ignored) > 0)
			;
		progress = reap();
		if (childless || !terminating)
			continue;
		if (now_ms() < deadline) {
			if (progress)
				each_child(visit_orphan);
			continue;
		}
		progress |= kill_children();
		/* As long as anything moves, so do we: a pause is what a process that respawns itself lives on. */
		pause_ms = progress ? 0 : pause_ms == 0 ? 1 : pause_ms < MAX_PAUSE_MS ? pause_ms * 2 : MAX_PAUSE_MS;
		if (now_ms() >= stuck_at)
			report_survivors();
	}
	if (terminating)
		report_killed();
	report("empty");
	await_close();
}

/* --- the shim itself -------------------------------------------------------------------------------------------- */

/* Closes what was inherited by accident, from `from` on. */
static void close_from(unsigned int from)
{
	struct rlimit limit;
	if (syscall(SYS_close_range, from, ~0U, 0) == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	for (rlim_t fd = from; fd < limit.rlim_cur && fd < 1024 * 1024; fd++)
		close((int)fd);
}

static void prepare(const struct start *start)
{
	sigset_t all, child;

	/* Whatever is sent to the shim stays pending: it leaves only when its tree is empty. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* An ignored SIGCHLD is inherited through exec and would have children reaped behind our back. */
	signal(SIGCHLD, SIG_DFL);
	/* Out of reach of the terminal that the server runs in. */
	setsid();
	prctl(PR_SET_NAME, "proctor-shim");
	/* A member may have stopped us: the death of the server wakes us, and we find its end closed. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);

	fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
	fcntl(CONTROL_FD, F_SETFL, O_NONBLOCK);
	if (start->pty)
		fcntl(MASTER_FD, F_SETFD, FD_CLOEXEC);
	close_from(start->pty ? MASTER_FD + 1 : CONTROL_FD + 1);

	/* No directory is kept from being unmounted by a supervisor. */
	if (chdir("/") < 0)
		give_up("setup", errno);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		give_up("setup", errno);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	child_signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (child_signals < 0)
		give_up("setup", errno);
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0)
		children = openat(proc, "thread-self/children", O_RDONLY | O_CLOEXEC);
	shim = getpid();
}

/* Proves that an orphan comes to us on this kernel: some sandboxes accept the prctl and do nothing. */
static int check(void)
{
	static const char passed[] = "proctor-shim 4\n";
	int orphans = 0;
	pid_t child;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	child = fork();
	if (child == 0) {
		if (fork() == 0)
			_exit(0);
		_exit(0);
	}
	while (waitpid(-1, NULL, 0) > 0)
		orphans++;
	if (child < 0 || orphans != 2)
		return 1;
	return write(STDOUT_FILENO, passed, sizeof passed - 1) < 0;
}

static bool parse(int argc, char **argv, struct start *start)
{
	long cols, rows;
	if (argc == 1)
		return true;
	if (argc != 3 || strcmp(argv[1], "--pty") != 0 || !two_numbers(argv[2], 'x', UINT16_MAX, UINT16_MAX, &cols, &rows))
		return false;
	start->pty = true;
	start->size = (struct winsize){.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
	return true;
}

int main(int argc, char **argv)
{
	static const char usage[] = "proctor-shim supervises one process tree for proctor, which starts it.\n";
	struct start start = {
		.in = -1,
		.out = -1,
		.err = -1,
		.server_in = -1,
		.server_out = -1,
		.server_err = -1,
	};
	struct line ready = {.length = 0};

	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return check();
	if (!parse(argc, argv, &start) || fcntl(CONTROL_FD, F_GETFD) < 0) {
		(void)!write(STDERR_FILENO, usage, sizeof usage - 1);
		return 2;
	}
	prepare(&start);
	if (start.pty)
		make_terminal(&start);
	else
		make_pipes(&start);

	put(&ready, "ready");
	put_number(&ready, PROTOCOL_VERSION);
	put_number(&ready, start.server_out);
	put_number(&ready, start.server_err);
	put_number(&ready, start.server_in);
	send_line(&ready);
	supervise(&start);
	return 0;
}
