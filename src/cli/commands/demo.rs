//! `offkey demo`: a made-up company's estate, collected, analysed and reported.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::cut_overs::cut_overs;
use super::s3_source::failure;
use super::{load, outputs};
use crate::analysis::{AsOf, analyse};
use crate::aws::StandIn;
use crate::demo::{EstateOptions, LiveEstate, as_of, generate};
use crate::input::{Argument, Depth};
use crate::recommend::Thresholds;
use crate::report::{ReportFormat, assemble, summary};
use crate::store::DemoTree;
use clap::Args;
use std::io;
use std::path::Path;

/// Make up a company's estate, read it back like anybody's files, and report on it
///
/// No AWS account and no network are needed. The estate is written in the real formats, with its truth beside it:
/// truth.json says what every key and consumer really is. The same options give the same bytes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey demo -o out && xdg-open out/report.html
  offkey demo --keys 5000 --days 90 -o big")]
pub(in super::super) struct Arguments {
    /// Number of access keys; at least 46, so that every case occurs
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(46..=20_000))]
    keys: u32,
    /// Days of logs
    #[arg(long, value_name = "D", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    /// Seed of everything that is made up
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Directory for estate, truth and reports
    #[arg(short, long = "output", value_name = "DIR", default_value = "offkey-demo")]
    output: String,
    /// Also fill a stand-in for AWS on this machine (tests/standin) with the estate, so that collect --aws can be tried
    #[arg(long, value_name = "URL")]
    aws_endpoint: Option<String>,
    /// Print the whole report as JSON instead of the summary
    #[arg(long)]
    json: bool,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let directory = Path::new(&arguments.output);
    let cannot =
        |error: io::Error| Failure::new(format!("cannot write the demo to {}: {error}", arguments.output));
    let tree = DemoTree::create(directory).map_err(cannot)?;
    let bar = terminal.counter("making up an estate");
    let options = EstateOptions { keys: arguments.keys, days: arguments.days, seed: arguments.seed };
    let mut files = Vec::new();
    let truth = generate(&options, &mut |path, bytes| {
        if terminal.stopped() {
            return Err(Failure::interrupted());
        }
        bar.inc(1);
        if arguments.aws_endpoint.is_some() {
            files.push((path.to_owned(), bytes.to_vec()));
        }
        tree.file(path, bytes).map_err(cannot)
    })?;
    bar.finish_and_clear();
    if let Some(url) = &arguments.aws_endpoint {
        fill(url, LiveEstate::of(files), terminal)?;
    }
    let mut bytes = serde_json::to_vec_pretty(&truth).map_err(|e| Failure::new(e.to_string()))?;
    bytes.push(b'\n');
    let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
    outputs::write(&path("truth.json"), &bytes, terminal)?;
    // Named without the directory, so that the same estate gives the same report wherever it lies.
    let estate = Argument { path: tree.estate().to_string_lossy().into_owned(), name: "estate".into() };
    let material = load::read_all(&[estate], Vec::new(), Depth::Evidence, None, terminal)?;
    let analysis = analyse(material, AsOf::At(as_of()), Thresholds::default());
    let mut report = assemble(&analysis, "Access key migration report: the demo company");
    cut_overs(&mut report, &analysis);
    for (name, format) in [
        ("report.html", ReportFormat::Html),
        ("report.md", ReportFormat::Markdown),
        ("report.json", ReportFormat::Json),
        ("report.csv", ReportFormat::Csv),
    ] {
        let bytes = format.render(&report).map_err(|e| Failure::new(format!("cannot render {name}: {e}")))?;
        outputs::write(&path(name), &bytes, terminal)?;
    }
    if arguments.json {
        terminal.data(&ReportFormat::Json.render(&report).map_err(Failure::new)?)?;
        return Ok(ExitKind::Done);
    }
    terminal.data(summary(&report, terminal.width()).as_bytes())?;
    let next = format!(
        "\nOpen {} in a browser. What every key really is stands in {}.\nTo see one key explained: offkey explain {} {} --as-of {}\n",
        path("report.html"),
        path("truth.json"),
        report.keys.first().map_or("KEY", |key| key.reference.as_str()),
        path("estate"),
        report.as_of,
    );
    terminal.data(next.as_bytes())?;
    Ok(ExitKind::Done)
}

/// Hands the estate to a stand-in.
fn fill(url: &str, estate: LiveEstate, terminal: &Terminal) -> Result<(), Failure> {
    let stand_in = StandIn::at(url).map_err(failure)?;
    stand_in.exports(estate.exports.to_string()).map_err(failure)?;
    stand_in.bucket(&estate.bucket).map_err(failure)?;
    let bar = terminal.steps_bar(estate.objects.len() as u64, "log objects put");
    for (key, bytes) in estate.objects {
        if terminal.stopped() {
            return Err(Failure::interrupted());
        }
        stand_in.object(&estate.bucket, &key, bytes).map_err(failure)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
