//! Results that somebody else had Athena compute: the CSV file that it leaves in S3, or Parquet of an `UNLOAD`.

use super::rows::{Reader, Rows, Unreadable};
use crate::evidence::{Facts, Lineage};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Why a result cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no CSV.
    #[error("no CSV as Athena writes it: {0}")]
    Csv(#[from] csv::Error),
    /// It is no Parquet.
    #[error("no Parquet that can be read: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// What it holds.
    #[error("{0}")]
    Rows(#[from] Unreadable),
    /// Whoever takes what was read wants no more.
    #[error("interrupted")]
    Stopped,
}

/// Rows after which what was learned is handed on.
const PORTION: usize = 50_000;

/// How Parquet files begin and end (<https://parquet.apache.org/docs/file-format/>).
const MAGIC: &[u8] = b"PAR1";

/// Reads a file. What is learned is handed to `take` in portions, which says whether to go on; the rest is returned.
///
/// # Errors
/// [`ResultError`]; nothing of the file counts then but facts, which are true by themselves.
pub fn read_results(
    mut file: File,
    lineage: &Arc<Lineage>,
    take: &mut dyn FnMut(Facts) -> bool,
) -> Result<Rows, ResultError> {
    let mut magic = [0; 4];
    let got = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let mut portion = |reader: &mut Reader| match reader.size() < PORTION || take(reader.facts()) {
        true => Ok(()),
        false => Err(ResultError::Stopped),
    };
    if magic.get(..got) == Some(MAGIC) {
        let parquet = SerializedFileReader::new(file)?;
        let schema = parquet.metadata().file_metadata().schema_descr();
        let header: Vec<String> = schema.columns().iter().map(|column| column.name().to_owned()).collect();
        let mut reader = Reader::new(&header, lineage.clone())?;
        for row in parquet.get_row_iter(None)? {
            let values: Vec<String> = row?.get_column_iter().map(|(_, field)| text(field)).collect();
            reader.row(&values)?;
            portion(&mut reader)?;
        }
        return Ok(reader.finish());
    }
    let mut rows = csv::ReaderBuilder::new().flexible(false).from_reader(file);
    let header: Vec<String> =
        rows.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let mut reader = Reader::new(&header, lineage.clone())?;
    for row in rows.records() {
        let values: Vec<String> = row?.iter().map(str::to_owned).collect();
        reader.row(&values)?;
        portion(&mut reader)?;
    }
    Ok(reader.finish())
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        other => other.to_string(),
    }
}
