//! `offkey mute`: exempts keys, users or accounts, for a reason and a time; lists exemptions.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::outputs;
use crate::model::{Day, parse_day};
use crate::plan::{Mutes, read_mutes};
use crate::report::{MuteRule, clean};
use clap::Args;
use jiff::Timestamp;
use std::fmt::Write;
use std::path::Path;

/// Exemptions are kept here where nothing else is said.
pub(super) const FILE: &str = "offkey.mutes.toml";

/// Exempt a key, user or account from retirement and rotation for a while; without names, list the exemptions
///
/// Reports go on showing muted keys with their verdicts, and count them; rotate and retire leave them alone. A mute
/// needs a reason, an owner and a last day; one that lacks them, or is over, mutes nothing and is named.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey mute --user legacy-billing --reason \"frozen until the audit\" --owner payments --expires 2026-12-31
  offkey mute")]
pub(in super::super) struct Arguments {
    /// Key id
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// User
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Last day on which it holds, within a year
    #[arg(long, value_name = "DAY")]
    expires: Option<String>,
    /// The file of exemptions
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: String,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let today = Day::of(terminal.now());
    let path = Path::new(&arguments.file);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::new(format!("{}: {error}", arguments.file))),
    };
    let known = read_mutes(&text, today).map_err(|wrong| {
        Failure::new(format!("{}: {wrong}", arguments.file)).hint("mend the file; nothing was added")
    })?;
    let named = [("key", &arguments.key), ("user", &arguments.user), ("account", &arguments.account)];
    if named.iter().all(|(_, name)| name.is_none()) {
        if arguments.reason.is_some() || arguments.owner.is_some() || arguments.expires.is_some() {
            return Err(
                Failure::usage("nothing is named").hint("--key, --user or --account, or several of them")
            );
        }
        terminal.data(list(&known).as_bytes())?;
        return Ok(ExitKind::Done);
    }
    for (what, name) in named {
        let Some(name) = name else { continue };
        // Key ids have 16 letters, digits and underscores at least, accounts twelve digits.
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let fits = match what {
            "key" => (16..=128).contains(&name.len()) && name.chars().all(word),
            "account" => name.len() == 12 && name.chars().all(|c| c.is_ascii_digit()),
            _ => !name.trim().is_empty() && name.trim() == name,
        };
        if !fits {
            return Err(Failure::usage(format!("--{what}: {name:?} is none, so nothing would be exempt")));
        }
    }
    let given = |name: &str, value: &Option<String>| match value.as_deref().map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Failure::usage(format!("a mute needs --{name}"))),
    };
    let (reason, owner) = (given("reason", &arguments.reason)?, given("owner", &arguments.owner)?);
    let expires = given("expires", &arguments.expires)?;
    let day = parse_day(&expires).ok_or_else(|| {
        Failure::usage(format!("--expires: {expires:?} is not a day")).hint("write 2026-12-31")
    })?;
    if day < today || day > today.plus(366) {
        return Err(Failure::usage(format!("--expires: {expires} is past, or more than a year away")));
    }
    let mut block = String::from("[[mute]]\n");
    let fields = [("reason", &reason), ("owner", &owner), ("expires", &expires)];
    let named = named.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?)));
    for (name, value) in named.chain(fields) {
        // A string of JSON is one of TOML.
        let _ = writeln!(block, "{name} = {}", serde_json::to_string(value).unwrap_or_default());
    }
    let gap = if text.is_empty() {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let new = format!("{text}{gap}{block}");
    // What is written can be read again, or it is not written.
    read_mutes(&new, today).map_err(|wrong| Failure::new(format!("{}: {wrong}", arguments.file)))?;
    outputs::write(&arguments.file, new.as_bytes(), terminal)?;
    Ok(ExitKind::Done)
}

fn list(mutes: &Mutes) -> String {
    let mut out = String::new();
    for mute in &mutes.0 {
        let names: Vec<String> = [("key", &mute.key), ("user", &mute.user), ("account", &mute.account)]
            .iter()
            .filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?)))
            .collect();
        let state = match &mute.expires {
            Err(wrong) => format!("mutes nothing: {wrong}"),
            Ok(day) if mute.expired => format!("mutes nothing: expired on {day}"),
            Ok(day) => format!("until {day}"),
        };
        let _ = writeln!(
            out,
            "{}  {state}\n    {}: {}",
            clean(&names.join(", ")),
            clean(&mute.owner),
            clean(&mute.reason)
        );
    }
    if out.is_empty() {
        out.push_str("no exemptions\n");
    }
    out
}

/// Exemptions for a report: those named, or those that lie here.
pub(super) fn rules(file: Option<&str>, now: Timestamp) -> Result<Vec<MuteRule>, Failure> {
    let mutes = super::keys::mutes(file, now)?;
    let rule = |mute: crate::plan::Mute| MuteRule {
        key: mute.key,
        user: mute.user,
        account: mute.account,
        reason: mute.reason,
        owner: mute.owner,
        expires: mute.expires.map(|day| day.to_string()),
        expired: mute.expired,
    };
    Ok(mutes.0.into_iter().map(rule).collect())
}
