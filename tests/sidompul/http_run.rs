use biller_core::{Biller, MemoryRecords, Rupiah, Secret};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use sidompul_client::model::{
    AwgDetailCommand, AwgInjectCommand, HistoryDetailQuery, HistoryQuery, Inject, InjectOutcome, ServiceType,
    StockQuery, Target, WgDetailQuery, WgTransactionQuery, XwgDetailCommand, XwgInjectCommand,
};
use sidompul_client::{Client, PurchasePackage, ReloadPulsa, Sidompul};
use tokio::net::TcpListener;

use crate::{config, pulsa};

async fn served() -> (Sandbox, Client) {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = sandbox.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    (sandbox, Client::new(config(&format!("http://{address}/sidompul"))).unwrap())
}

/// All eighteen operations over real HTTP.
#[tokio::test]
async fn all_operations_over_http() {
    let (sandbox, client) = served().await;
    client.fetch_token().await.unwrap();
    client.encrypt_pin(&Secret::new("1234")).await.unwrap();
    let reload = client.reload_pulsa(&ReloadPulsa::new("6287700000011", Rupiah::new(10_000)).unwrap()).await.unwrap();
    assert!(reload.succeeded);
    let package = PurchasePackage::new("6287700000011", "GAME_FF_5").unwrap();
    assert!(client.purchase_package(&package).await.unwrap().succeeded);
    assert!(!client.purchase_package_with_pulsa(&package).await.unwrap().succeeded);
    assert_eq!(client.dompul_balance().await.unwrap(), Rupiah::new(2_500_000 - 10_850 - 1_000));
    assert_eq!(client.pulsa_balance().await.unwrap(), Rupiah::new(499_000));
    assert_eq!(client.list_products().await.unwrap().products.len(), 26);

    let now = biller_core::Clock::now(&biller_core::SystemClock);
    // The sandbox may have crossed midnight since.
    let days = HistoryQuery::new(now.before(std::time::Duration::from_secs(120)).wib_day(), now.wib_day());
    assert_eq!(client.transaction_history(&days).await.unwrap().len(), 3);
    let query = HistoryDetailQuery { transaction_id: reload.transaction_id, ..HistoryDetailQuery::default() };
    let details = client.transaction_history_detail(&query).await.unwrap();
    assert_eq!((details.len(), details[0].amount), (1, Some(Rupiah::new(10_850))));

    let target = vec![Target::parse("6287700000011").unwrap()];
    let list = WgTransactionQuery { begin: days.start, end: days.end, service_type: ServiceType::SellVoucher };
    let item = client.awg_stock(&StockQuery::default()).await.unwrap().remove(0);
    let inject = Inject::new(&item, &AwgInjectCommand::ToNumber, target.clone()).unwrap();
    let id = client.awg_inject(&inject).await.unwrap().master_trx_id.unwrap();
    assert_eq!(client.awg_transactions(&list).await.unwrap()[0].master_trx_id, id);
    let query = WgDetailQuery { command: AwgDetailCommand::ToNumber, master_trx_id: id.clone() };
    let outcomes = InjectOutcome::of(&id, &target, &client.awg_transaction_detail(&query).await.unwrap());
    assert_eq!(outcomes[0].verdict, biller_core::Verdict::Succeeded);

    let item = client.xwg_stock(&StockQuery::default()).await.unwrap().remove(0);
    let inject = Inject::new(&item, &XwgInjectCommand::ToNumber, target.clone()).unwrap();
    let id = client.xwg_inject(&inject).await.unwrap().master_trx_id.unwrap();
    assert_eq!(client.xwg_transactions(&list).await.unwrap()[0].master_trx_id, id);
    let query = WgDetailQuery { command: XwgDetailCommand::ToNumber, master_trx_id: id.clone() };
    let outcomes = InjectOutcome::of(&id, &target, &client.xwg_transaction_detail(&query).await.unwrap());
    assert_eq!(outcomes[0].verdict, biller_core::Verdict::Succeeded);

    assert_eq!(sandbox.charges().len(), 5);
    for request in sandbox.requests() {
        assert!(request.verdict.accepted, "{}: {:?}", request.path, request.verdict.explanation);
    }
}

/// A connection that closes without a reply proves nothing; the history does.
#[tokio::test]
async fn a_lost_reply_over_http() {
    let (sandbox, client) = served().await;
    let (sidompul, records) = (Sidompul::new(client), MemoryRecords::default());
    let mut attempt = sidompul.prepare(pulsa("H-1", "6287700000011")).await.unwrap();
    sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    assert_eq!(sidompul.pay(&mut attempt, &records).await.word(), "unknown");
    assert_eq!(sidompul.resolve(&mut attempt, &records).await.word(), "succeeded");
    assert_eq!(sandbox.charges().len(), 1);
}
