//! API Gateway and Lambda on one side, the rules' types on the other.
//!
//! Events come in as text and leave as text; what is between is a request, an answer, and one exhaustive table that gives every denial and
//! fault its status, code and headers. The local gateway crosses the same boundary as the Lambda runtime.

mod accept;
pub mod answer;
pub mod authorizer;
pub mod body;
pub mod cognito;
pub mod cookies;
pub mod cross_site;
mod event;
pub mod front;
pub mod granted;
pub mod problem;
pub mod request;
pub mod response;
pub mod serve;
pub mod session;
pub mod stream;
pub mod telemetry;
pub mod topic;

pub use answer::answer;
pub use front::Front;
pub use request::HttpRequest;
pub use response::HttpResponse;
pub use serve::{Outcome, serve};
