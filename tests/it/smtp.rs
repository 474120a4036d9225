//! An SMTP server that keeps what it is given, or misbehaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How a server takes emails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Kind,
    /// It says this to the first so many recipients.
    Refusing(&'static str, usize),
    /// It takes connections and says nothing.
    Dead,
}

/// A running server.
pub struct SmtpServer {
    pub url: String,
    received: Arc<Mutex<Vec<String>>>,
    refused: Arc<Mutex<usize>>,
}

impl SmtpServer {
    pub async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Self { url, received: Arc::default(), refused: Arc::default() };
        let (received, refused) = (Arc::clone(&server.received), Arc::clone(&server.refused));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, manner, Arc::clone(&received), Arc::clone(&refused)));
            }
        });
        server
    }

    /// What it has been given so far, headers and all, without the encoding of long lines.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// How many recipients it has refused.
    pub fn refused(&self) -> usize {
        *self.refused.lock().unwrap()
    }

    /// Waits for so many emails in all; the last one.
    pub async fn email(&self, count: usize) -> String {
        let patience = tokio::time::timeout(Duration::from_secs(20), async {
            while self.received().len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        patience.await.unwrap();
        self.received().pop().unwrap()
    }
}

/// The token of an email: the one line that can be one.
pub fn token_in(email: &str) -> String {
    let is_token = |line: &&str| line.len() == 43 && !line.contains(' ');
    email.lines().find(is_token).unwrap_or_else(|| panic!("no token in {email}")).to_owned()
}

async fn converse(
    stream: TcpStream,
    manner: Manner,
    received: Arc<Mutex<Vec<String>>>,
    refused: Arc<Mutex<usize>>,
) {
    if manner == Manner::Dead {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut answer = "220 ready".to_owned();
    loop {
        if writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
        let Ok(Some(line)) = lines.next_line().await else { return };
        answer = match line.split([' ', ':']).next().unwrap() {
            "RCPT" => match manner {
                Manner::Refusing(with, times) if *refused.lock().unwrap() < times => {
                    *refused.lock().unwrap() += 1;
                    // As servers do, it quotes the address.
                    format!("{with} {line}")
                }
                _ => "250 ok".to_owned(),
            },
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await.unwrap();
                let mut email = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    email.push_str(line.strip_prefix("..").unwrap_or(&line));
                    email.push('\n');
                }
                received.lock().unwrap().push(email.replace("=\n", "").replace("=3D", "="));
                "250 kept".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
    }
}
