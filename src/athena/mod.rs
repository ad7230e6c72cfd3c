//! Evidence computed by Amazon Athena where the logs lie: the SQL, the tables it runs on, how the work is cut into
//! slices, and what its result rows say. Pure: nothing here asks AWS.

mod ddl;
mod named;
mod results;
mod rows;
mod slices;
mod sql;
mod table;

pub use ddl::{TableSpec, create_table};
pub use named::{cloudformation, terraform};
pub use results::{ResultError, read_results};
pub use rows::{DayRead, Reader, Rows, Unreadable};
pub use slices::{DOLLARS_A_TERABYTE, Estimate, Slice, dollars, months, session_slices};
pub use sql::{ALLOWED_FUNCTIONS, COLUMNS, FORMAT, usage_sql};
pub use table::{DayKey, Description, Layout, LayoutError, identifier};
