//! A profile of an AWS credentials file as a place for a new key: two lines change, every other byte stays.
//! Format: <https://docs.aws.amazon.com/cli/v1/userguide/cli-configure-files.html>.

use crate::model::Secret;
use crate::ports::{Held, Pair, Sink, SinkError};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";

/// One profile of one file.
pub struct ProfileSink {
    path: PathBuf,
    profile: String,
}

/// A setting's line: where its value stands.
struct Setting {
    name: String,
    start: usize,
    end: usize,
}

/// What a file has of a profile.
struct Section {
    /// Where the line after its heading begins.
    body: usize,
    settings: Vec<Setting>,
}

impl ProfileSink {
    /// A profile of a file, which need not be there yet.
    pub fn new(path: &Path, profile: &str) -> Self {
        // A link is followed, so that it stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self { path, profile: profile.to_owned() }
    }

    fn error(&self, passing: bool, text: impl std::fmt::Display) -> SinkError {
        SinkError { passing, text: format!("{}, profile {}: {text}", self.path.display(), self.profile) }
    }

    fn text(&self) -> Result<Zeroizing<String>, SinkError> {
        match fs::read(&self.path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(error) => {
                    error.into_bytes().zeroize();
                    Err(self.error(false, "the file is not UTF-8"))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Zeroizing::new(String::new())),
            Err(error) => Err(self.error(false, error)),
        }
    }

    /// Replaces the file at once, for its owner's eyes only.
    fn replace(&self, text: &str) -> Result<(), SinkError> {
        let write = || -> io::Result<()> {
            let directory =
                self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut temporary = private_file(directory)?;
            temporary.write_all(text.as_bytes())?;
            temporary.as_file().sync_all()?;
            temporary.persist(&self.path).map_err(|e| e.error)?;
            if cfg!(unix) {
                File::open(directory)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|error| self.error(true, error))
    }

    fn value<'a>(&self, text: &'a str, name: &str) -> Result<Option<&'a str>, SinkError> {
        let found = section(text, &self.profile).map_err(|wrong| self.error(false, wrong))?;
        let setting = found.as_ref().and_then(|s| s.settings.iter().find(|setting| setting.name == name));
        Ok(setting.and_then(|setting| text.get(setting.start..setting.end)))
    }
}

impl Sink for ProfileSink {
    fn prove(&self, old: &str) -> Result<(), SinkError> {
        let text = self.text()?;
        if self.value(&text, TOKEN)?.is_some() {
            return Err(
                self.error(false, "it holds a session token, so that it is not a static key's profile")
            );
        }
        match self.value(&text, ID)? {
            Some(id) if id != old => {
                return Err(self
                    .error(false, format_args!("it holds {id}, and not {old}: name the profile that does")));
            }
            Some(_) if self.value(&text, SECRET)?.is_none() => {
                return Err(self.error(false, format_args!("it has no {SECRET}")));
            }
            _ => {}
        }
        // The same bytes again: whoever may write these may write others.
        if self.path.exists() {
            return self.replace(&text);
        }
        let directory = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        private_file(directory).map(drop).map_err(|error| self.error(false, error))
    }

    fn store(&self, pair: &Pair<'_>) -> Result<(), SinkError> {
        let text = self.text()?;
        let found = section(&text, &self.profile).map_err(|wrong| self.error(false, wrong))?;
        let new =
            Zeroizing::new(changed(&text, found.as_ref(), &self.profile, pair.id, pair.secret.expose()));
        self.replace(&new)
    }

    fn fetch(&self, id: &str) -> Result<Held, SinkError> {
        let text = self.text()?;
        if self.value(&text, ID)? != Some(id) {
            return Ok(Held::Nothing);
        }
        Ok(self
            .value(&text, SECRET)?
            .map_or(Held::Nothing, |secret| Held::Secret(Secret::new(secret.to_owned()))))
    }

    fn publish(&self, _: &str) -> Result<(), SinkError> {
        // Whoever reads the file has it already.
        Ok(())
    }
}

/// A temporary file is made for its owner's eyes only.
fn private_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".offkey-").suffix(".tmp").tempfile_in(directory)
}

/// Finds a profile.
fn section(text: &str, profile: &str) -> Result<Option<Section>, String> {
    let mut found: Option<Section> = None;
    let mut inside = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        // A line that is indented belongs to the setting above it.
        let nested = line.starts_with([' ', '\t']);
        if let Some(name) =
            trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()).filter(|_| !nested)
        {
            inside = name.trim() == profile;
            if inside {
                if found.is_some() {
                    return Err("it stands there twice".to_owned());
                }
                found = Some(Section { body: at + line.len(), settings: Vec::new() });
            }
        } else if inside
            && !nested
            && !trimmed.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
            && let Some(found) = &mut found
        {
            let start = at + name.len() + 1 + (value.len() - value.trim_start().len());
            // The AWS CLI takes a comment only after white space.
            let value = value.trim_start();
            let end = [" #", " ;", "\t#", "\t;"]
                .iter()
                .filter_map(|mark| value.find(mark))
                .min()
                .unwrap_or(value.len());
            let value = value.get(..end).unwrap_or_default().trim_end();
            let name = name.trim().to_ascii_lowercase();
            if found.settings.iter().any(|setting| setting.name == name) {
                return Err(format!("{name} stands there twice"));
            }
            found.settings.push(Setting { name, start, end: start + value.len() });
        }
        at += line.len();
    }
    Ok(found)
}

/// The text with a profile's two settings changed, or added where there are none.
fn changed(text: &str, found: Option<&Section>, profile: &str, id: &str, secret: &str) -> String {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::with_capacity(text.len() + 200);
    let Some(section) = found else {
        out.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            out.push_str(line_end);
        }
        for line in [&format!("[{profile}]"), &format!("{ID} = {id}"), &format!("{SECRET} = {secret}")] {
            out.push_str(line);
            out.push_str(line_end);
        }
        return out;
    };
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut begun = text.get(..section.body).is_some_and(|before| before.ends_with('\n'));
    for (name, value) in [(ID, id), (SECRET, secret)] {
        match section.settings.iter().find(|setting| setting.name == name) {
            Some(setting) => edits.push((setting.start, setting.end, value.to_owned())),
            None => {
                let start = if std::mem::replace(&mut begun, true) { "" } else { line_end };
                edits.push((section.body, section.body, format!("{start}{name} = {value}{line_end}")));
            }
        }
    }
    edits.sort_by_key(|edit| edit.0);
    let mut at = 0;
    for (start, end, value) in &mut edits {
        out.push_str(text.get(at..*start).unwrap_or_default());
        out.push_str(value);
        value.zeroize();
        at = *end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AKIAI44QH8DHBEXAMPLE";
    const NEW: &str = "AKIAIOSFODNN7EXAMPLE";
    const WORD: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";

    fn stored(text: &str, profile: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        fs::write(&path, text).unwrap();
        let sink = ProfileSink::new(&path, profile);
        let secret = Secret::new(WORD.to_owned());
        sink.prove(OLD).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(matches!(sink.fetch(NEW), Ok(Held::Nothing)));
        let pair = Pair { account: "111122223333", user: "ci", old: OLD, id: NEW, secret: &secret };
        sink.store(&pair).unwrap();
        let once = fs::read_to_string(&path).unwrap();
        sink.store(&pair).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), once, "twice is once");
        assert!(matches!(sink.fetch(NEW), Ok(Held::Secret(held)) if held == secret));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
        once
    }

    #[test]
    fn two_values_change_and_every_other_byte_stays() {
        let cases = [
            "[default]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = old/Secret\n",
            "# mine\r\n[other]\r\naws_access_key_id=AKIA0\r\naws_secret_access_key=x\r\n\r\n[default]\r\nregion = eu-west-1\r\nAWS_Secret_Access_Key=old/Secret\r\naws_access_key_id=AKIAI44QH8DHBEXAMPLE   # of ci\r\n[last]\r\nx=y",
            "[default]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = old/Secret",
            "[ default ] ; c\n  \n s3 =\n  aws_access_key_id = no\naws_access_key_id\t=\tAKIAI44QH8DHBEXAMPLE\naws_secret_access_key =old/Secret\t; c\n[x]\n",
        ];
        for text in cases {
            let want = text.replace(OLD, NEW).replace("old/Secret", WORD);
            assert_eq!(stored(text, "default"), want);
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_added() {
        assert_eq!(stored("", "a"), format!("[a]\n{ID} = {NEW}\n{SECRET} = {WORD}\n"));
        assert_eq!(stored("[b]\nx=1", "a"), format!("[b]\nx=1\n[a]\n{ID} = {NEW}\n{SECRET} = {WORD}\n"));
        assert_eq!(stored("[a]", "a"), format!("[a]\n{ID} = {NEW}\n{SECRET} = {WORD}\n"));
    }

    #[test]
    fn another_keys_profile_is_not_touched() {
        for (text, says) in [
            ("[a]\naws_access_key_id = AKIA0\naws_secret_access_key = x\n", "AKIA0"),
            (
                "[a]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\naws_session_token = t\n",
                "session token",
            ),
            ("[a]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\n", "no aws_secret_access_key"),
            ("[a]\nx=1\n[a]\ny=2\n", "twice"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("credentials");
            fs::write(&path, text).unwrap();
            let error = ProfileSink::new(&path, "a").prove(OLD).unwrap_err();
            assert!(error.text.contains(says), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let nowhere = ProfileSink::new(Path::new("/nonexistent/credentials"), "a");
        assert!(nowhere.prove(OLD).is_err());
    }
}
