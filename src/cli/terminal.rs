//! The process around the commands: interrupts, standard streams, progress, exit code.

use super::args::{Cli, Command, Global};
use super::commands::{
    athena, collect, completions, demo, diff, doctor, evidence, explain, graph, keys, man, merge, mute,
    parity, permissions, replace, report, schema,
};
use super::error::{ExitKind, Failure};
use crate::report::clean;
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Set by Ctrl-C or a termination signal.
static STOP: AtomicBool = AtomicBool::new(false);

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    // The second interrupt does not wait for anything.
    let handler = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(ExitKind::Interrupted as i32);
        }
    });
    if let Err(error) = handler {
        let _ = writeln!(io::stderr(), "warning: Ctrl-C will end the program at once: {error}");
    }
    let matches = match Cli::command().color(wanted_color()).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are what was asked for; everything else is a usage error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { ExitKind::Usage as u8 } else { 0 });
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(ExitKind::Usage as u8);
        }
    };
    let terminal = Terminal { global: cli.global };
    let result = match cli.command {
        Command::Demo(arguments) => demo::run(&arguments, &terminal),
        Command::Collect(arguments) => collect::run(&arguments, &terminal),
        Command::Athena(arguments) => athena::run(&arguments, &terminal),
        Command::Merge(arguments) => merge::run(&arguments, &terminal),
        Command::Doctor(arguments) => doctor::run(&arguments, &terminal),
        Command::Permissions(arguments) => permissions::run(&arguments, &terminal),
        Command::Report(arguments) => report::run(&arguments, &terminal),
        Command::Explain(arguments) => explain::run(&arguments, &terminal),
        Command::Graph(arguments) => graph::run(&arguments, &terminal),
        Command::Diff(arguments) => diff::run(&arguments, &terminal),
        Command::Evidence(arguments) => evidence::run(&arguments, &terminal),
        Command::Replace(arguments) => replace::run(&arguments, &terminal),
        Command::Parity(arguments) => parity::run(&arguments, &terminal),
        Command::Verify(arguments) => keys::verify::run(&arguments, &terminal),
        Command::Retire(arguments) => keys::retire::run(&arguments, &terminal),
        Command::Rotate(arguments) => keys::rotate::run(&arguments, &terminal),
        Command::Mute(arguments) => mute::run(&arguments, &terminal),
        Command::Schema(arguments) => schema::run(&arguments, &terminal),
        Command::Completions(arguments) => completions::run(&arguments, &terminal),
        Command::Man(arguments) => man::run(&arguments, &terminal),
    };
    ExitCode::from(match result {
        Ok(kind) => kind as u8,
        Err(failure) => {
            terminal.fail(&failure);
            failure.kind as u8
        }
    })
}

/// `--color` has to be known before the command line is parsed, as help is coloured, too.
fn wanted_color() -> ColorChoice {
    let arguments: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let value =
        arguments.iter().enumerate().find_map(|(n, argument)| match argument.strip_prefix("--color=") {
            Some(value) => Some(value.to_owned()),
            None if argument == "--color" => arguments.get(n + 1).cloned(),
            None => None,
        });
    match value.as_deref() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// The time of day.
pub(super) fn now() -> Timestamp {
    // Whole seconds: nothing here is finer, and it reads better.
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

/// A span in words.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// What the user's interrupt sets.
pub(super) fn stop_flag() -> &'static AtomicBool {
    &STOP
}

/// Where commands talk to people and hand out data.
pub(super) struct Terminal {
    global: Global,
}

impl Terminal {
    /// Characters in a line of standard output; 80 where it is no terminal, so that files look the same everywhere.
    pub(super) fn width(&self) -> usize {
        terminal_size::terminal_size_of(io::stdout()).map_or(80, |(width, _)| usize::from(width.0))
    }

    /// What stops the work when it is set.
    pub(super) fn stop(&self) -> &'static AtomicBool {
        &STOP
    }

    /// Whether the user asked to stop.
    pub(super) fn stopped(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }

    /// The time of day.
    pub(super) fn now(&self) -> Timestamp {
        now()
    }

    /// Asks for a line that is used once, such as an MFA code.
    pub(super) fn ask(&self, question: &str) -> Result<String, Failure> {
        let mut err = io::stderr();
        let _ = write!(err, "{}", clean(question)).and_then(|()| err.flush());
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        let answer = line.trim().to_owned();
        match read {
            Ok(_) if !answer.is_empty() => Ok(answer),
            _ => Err(Failure::usage("no answer on standard input").hint("give the code on standard input")),
        }
    }

    /// A bar over steps, on a terminal only.
    pub(super) fn steps_bar(&self, steps: u64, message: &'static str) -> ProgressBar {
        let target = if self.global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(5)
        };
        let bar = ProgressBar::with_draw_target(Some(steps), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}, {elapsed}, {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Data, on standard output. A reader that closes the pipe early has had enough: no error.
    pub(super) fn data(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// A remark for people, on standard error.
    pub(super) fn note(&self, text: &str) {
        if !self.global.quiet {
            let _ = writeln!(io::stderr(), "{}", clean_lines(text));
        }
    }

    /// A warning, on standard error.
    pub(super) fn warn(&self, text: &str) {
        if !self.global.quiet {
            let _ = writeln!(io::stderr(), "{} {}", self.paint("warning:", "33"), clean(text));
        }
    }

    fn fail(&self, failure: &Failure) {
        let mut err = io::stderr();
        let _ = writeln!(err, "{} {}", self.paint("error:", "31"), clean_lines(&failure.message));
        if let Some(hint) = &failure.hint {
            let _ = writeln!(err, "  hint: {}", clean(hint));
        }
    }

    fn paint(&self, word: &str, colour: &str) -> String {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let coloured = match self.global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !no_color && io::stderr().is_terminal(),
        };
        if coloured { format!("\x1b[1;{colour}m{word}\x1b[0m") } else { word.to_owned() }
    }

    /// A bar over bytes, on a terminal only.
    pub(super) fn bytes_bar(&self) -> ProgressBar {
        let target = if self.global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(5)
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let template = "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A counter of files written, on a terminal only.
    pub(super) fn counter(&self, message: &'static str) -> ProgressBar {
        let target = if self.global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(5)
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {pos} files, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(message);
        bar
    }
}

fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n")
}
