//! A stand-in for a service: routes on a loopback port, until the stack is gone.

use std::net::Ipv4Addr;

use axum::Router;

use crate::stack::StackError;

/// Serves `routes` as `name` on `port`, 0 for a free one; its base URL.
pub(crate) async fn serve(name: &str, port: u16, routes: Router) -> Result<String, StackError> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|error| StackError::new(&format!("the port of {name} is not free"), &error))?;
    let address = listener.local_addr().map_err(|error| StackError::new(&format!("{name} has no address"), &error))?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}"))
}
