//! The live view in a real terminal, and its streams through real pipes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use lockwatch::state::State;
use rustix::process::{Pid, Signal};
use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes, Termios};

use crate::support::{folder, holder, lock, lockwatch, until, until_seen, waiter};
use crate::window::Window;

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("watch::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("shows_a_lock_and_its_end", shows_a_lock_and_its_end),
        test("keys_and_signals_end_it", keys_and_signals_end_it),
        test("a_closed_window_ends_it", a_closed_window_ends_it),
        test("follows_the_size_of_the_window", follows_the_size_of_the_window),
        test("comes_back_after_it_was_suspended", comes_back_after_it_was_suspended),
        test("colour_only_where_it_is_wanted", colour_only_where_it_is_wanted),
        test("needs_a_terminal", needs_a_terminal),
        test("json_begins_at_once_and_follows", json_begins_at_once_and_follows),
        test(
            "swiftbar_begins_at_once_and_follows",
            swiftbar_begins_at_once_and_follows,
        ),
        test("a_closed_pipe_ends_a_stream", a_closed_pipe_ends_a_stream),
    ]
}

/// Room for all that other tests hold at the same time.
const LARGE: (u16, u16) = (160, 400);

/// The command in a state folder of its own, so that no daemon of the machine is asked.
struct Own {
    home: tempfile::TempDir,
}

impl Own {
    fn new() -> Self {
        Self { home: folder() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = lockwatch();
        command.args(arguments).env("LOCKWATCH_HOME", self.home.path());
        command
    }

    fn window(&self, size: (u16, u16), arguments: &[&str]) -> Window {
        Window::open(size, &self.command(arguments), true)
    }
}

fn shows_answer(window: &Window) -> bool {
    window.text().contains("q quit") && !window.text().contains("Looking")
}

fn shows_a_lock_and_its_end() {
    let own = Own::new();
    // Without a command, as the README starts it.
    let mut window = own.window(LARGE, &[]);
    window.until("the first picture", shows_answer);
    assert!(window.screen().alternate_screen() && window.screen().hide_cursor());
    let path = own.home.path().join("parity/target/debug/.cargo-lock");
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
    let mut front = holder("exclusive", &path);
    let behind = waiter("exclusive", &path);
    let (first, second) = (format!("pid {} ", front.pid()), format!("pid {} ", behind.pid()));
    window.until("the holder and the waiter", |window| {
        let text = window.text();
        text.contains(&first) && text.contains(&second)
    });
    front.kill();
    window.until("the holder to go", |window| !window.text().contains(&first));
    window.press(b"a");
    window.until("the waiter to hold it", |window| window.text().contains(&second));
    drop(behind);
    window.until("the waiter to go", |window| !window.text().contains(&second));
    window.press(b"q");
    assert_eq!(window.end().code(), Some(0));
}

fn modes(settings: &Termios) -> (LocalModes, InputModes, OutputModes, ControlModes) {
    (
        settings.local_modes,
        settings.input_modes,
        settings.output_modes,
        settings.control_modes,
    )
}

enum Way {
    Keys(&'static [u8]),
    Signal(Signal),
}

fn send(window: &Window, signal: Signal) {
    let pid = Pid::from_raw(window.pid().cast_signed()).expect("is one");
    rustix::process::kill_process(pid, signal).expect("signals");
}

fn keys_and_signals_end_it() {
    let own = Own::new();
    let ways = [
        ("q", Way::Keys(b"q")),
        ("Esc", Way::Keys(b"\x1b")),
        ("Ctrl-C", Way::Keys(b"\x03")),
        ("help and Esc twice", Way::Keys(b"?\x1b\x1b")),
        ("SIGTERM", Way::Signal(Signal::TERM)),
        ("SIGHUP", Way::Signal(Signal::HUP)),
        ("SIGINT", Way::Signal(Signal::INT)),
    ];
    for (name, way) in ways {
        let mut window = own.window((80, 24), &["watch"]);
        window.until("the first picture", shows_answer);
        let during = window.settings();
        assert!(!during.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO));
        match way {
            Way::Keys(bytes) => window.press(bytes),
            Way::Signal(signal) => send(&window, signal),
        }
        assert_eq!(window.end().code(), Some(0), "{name}");
        assert!(!window.screen().alternate_screen(), "{name}");
        assert!(!window.screen().hide_cursor(), "{name}");
        assert_eq!(window.text(), "", "{name} leaves nothing on the shell's screen");
        let untouched = own.window((80, 24), &["--version"]).settings();
        assert_eq!(modes(&window.settings()), modes(&untouched), "{name}");
    }
}

fn a_closed_window_ends_it() {
    let own = Own::new();
    // With the signal that the system sends to the one whose window it was, and with nothing but the end of its input.
    for leads in [true, false] {
        let mut window = Window::open((80, 24), &own.command(&["watch"]), leads);
        window.until("the first picture", shows_answer);
        window.close();
        assert_eq!(window.end().code(), Some(0), "leads: {leads}");
    }
}

fn follows_the_size_of_the_window() {
    let own = Own::new();
    let mut window = own.window((80, 24), &["watch"]);
    for size in [(80, 24), (200, 60), (40, 10), (120, 30)] {
        // In between there is no room at all, which is no end either.
        window.resize((1, 1));
        window.resize(size);
        window.until(&format!("a picture of {size:?}"), |window| {
            let lines: Vec<String> = window.screen().rows(0, size.0).collect();
            let is_whole = lines.last().is_some_and(|line| line.trim_start().starts_with("q quit"));
            // The title reaches from one side to the other where there is room for one.
            let corner = window.screen().cell(0, size.0 - 1).is_some_and(vt100::Cell::inverse);
            is_whole && (size.1 < 14 || corner)
        });
    }
    window.press(b"q");
    assert_eq!(window.end().code(), Some(0));
}

fn comes_back_after_it_was_suspended() {
    let own = Own::new();
    let mut window = own.window((80, 24), &["watch"]);
    window.until("the first picture", shows_answer);
    // Nobody could continue it here, so the system does not stop it: it gives the terminal back, and takes it again.
    window.press(b"\x1a");
    let times = |window: &Window, sequence: &[u8]| {
        let written = window.written().windows(sequence.len());
        written.filter(|bytes| *bytes == sequence).count()
    };
    window.until("the second picture", |window| times(window, b"\x1b[?1049h") > 1);
    assert_eq!(times(&window, b"\x1b[?1049l"), 1);
    window.until("the second picture", |window| {
        shows_answer(window) && window.screen().alternate_screen() && window.screen().hide_cursor()
    });
    assert!(!window.settings().local_modes.contains(LocalModes::ICANON));
    // Somebody else wrote on the screen while it was stopped: it paints all of it anew.
    send(&window, Signal::CONT);
    window.until("the third picture", |window| times(window, b"\x1b[?1049h") > 2);
    window.press(b"q");
    assert_eq!(window.end().code(), Some(0));
    assert!(!window.screen().alternate_screen());
}

fn colour_only_where_it_is_wanted() {
    let own = Own::new();
    let path = own.home.path().join(".package-cache");
    let _front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    for (name, wanted) in [("LOCKWATCH_TEST", true), ("NO_COLOR", false)] {
        let mut command = own.command(&["watch"]);
        command.env(name, "1");
        let mut window = Window::open(LARGE, &command, true);
        window.until("the lock", |window| window.text().contains("waiting"));
        let screen = window.screen();
        let is_coloured = (0..screen.size().0.get()).any(|row| {
            (0..screen.size().1.get()).any(|column| {
                let cell = screen.cell(row, column).expect("is there");
                (cell.fgcolor(), cell.bgcolor()) != (vt100::Color::Default, vt100::Color::Default)
            })
        });
        assert_eq!(is_coloured, wanted, "{name}");
    }
}

fn needs_a_terminal() {
    let output = Own::new()
        .command(&["watch"])
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let talk = String::from_utf8(output.stderr).expect("is text");
    assert!(talk.contains("lockwatch watch --json"), "{talk}");
}

/// Starts a stream, and ends it with the test.
struct Stream {
    child: std::process::Child,
    /// The end that is read; none once it is closed.
    lines: Option<BufReader<std::process::ChildStdout>>,
}

impl Stream {
    fn start(own: &Own, arguments: &[&str]) -> Self {
        let mut child = own
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().expect("is open");
        let length = lines.read_line(&mut line).expect("reads");
        assert!(length > 0, "the stream has ended");
        line
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn json_begins_at_once_and_follows() {
    let own = Own::new();
    let mut stream = Stream::start(&own, &["watch", "--json"]);
    let mut next = || -> State { serde_json::from_str(&stream.line()).expect("is the document") };
    let path = own.home.path().join(".package-cache");
    assert!(
        lock(&next(), &path).is_none(),
        "nothing is held, and that is told at once"
    );
    let mut front = holder("exclusive", &path);
    while lock(&next(), &path).is_none_or(|lock| lock.holders[0].process.pid != front.pid()) {}
    front.kill();
    while lock(&next(), &path).is_some() {}
}

fn swiftbar_begins_at_once_and_follows() {
    let own = Own::new();
    let mut stream = Stream::start(&own, &["watch", "--format", "swiftbar"]);
    assert_eq!(stream.line(), "~~~\n");
    assert!(stream.line().contains(" | sfimage="));
    assert_eq!(stream.line(), "---\n");
    let path = own.home.path().join(".package-cache");
    let front = holder("exclusive", &path);
    let named = format!("(pid {})", front.pid());
    let _behind = waiter("exclusive", &path);
    while !stream.line().contains(&named) {}
}

fn a_closed_pipe_ends_a_stream() {
    let own = Own::new();
    for arguments in [&["watch", "--json"][..], &["watch", "--format", "swiftbar"]] {
        let mut stream = Stream::start(&own, arguments);
        stream.line();
        // Nothing has to change for that.
        stream.lines = None;
        let status = until("the stream to end", || stream.child.try_wait().expect("waits"));
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}
