/*
 * Cashier messages whose signatures are known, shared by tests. The values are invented, the
 * hashes were computed by another program.
 */
#ifndef SUPPORT_CASHIER_SAMPLES_H
#define SUPPORT_CASHIER_SAMPLES_H

#define SAMPLE_SECRET "MerchantSecretKey"
#define SAMPLE_NOW 1590611635

#define SAMPLE_HEAD "\"merchant_id\":\"Test-Integration-Merchant\",\"application_key\":\"Sandbox\","
#define SAMPLE_CUSTOMER "{\"customer_token\":\"87cfb23a8f1e68e162c276b754d9c061\"}"
#define SAMPLE_SESSION "{\"order_id\":\"test-1560610955\",\"amount\":100}"
#define SAMPLE_TRANSACTION(rate, processed)                                                        \
    "{\"tid\":756850,\"currency\":\"EUR\",\"amount\":100,\"conversion_rate\":" rate "," processed  \
    "\"transaction_status\":\"approved\"}"
#define SAMPLE_PROCESSED "\"processed_currency\":\"EUR\",\"processed_amount\":100,"

#define SAMPLE_DATA(transaction)                                                                   \
    "{\"customer\":" SAMPLE_CUSTOMER ",\"session\":" SAMPLE_SESSION                                \
    ",\"transaction\":" transaction "}"
#define SAMPLE_MESSAGE(transaction)                                                                \
    "{" SAMPLE_HEAD "\"customer\":" SAMPLE_CUSTOMER ",\"session\":" SAMPLE_SESSION                 \
    ",\"transaction\":" transaction ",\"version\":\"1.3\",\"timestamp\":1590611635}"

#define SAMPLE_HASH_SIX                                                                            \
    "efe153ab4afbfdc051a51c329d958c6b7728b5a980cf911023d9987ac64f1bfa87b83b1174bd21f0579d76a8962b" \
    "9"                                                                                            \
    "c99"
#define SAMPLE_HASH_ONE                                                                            \
    "5f02424333f930968f57a56ae15b88dbfc1b11092f2b59059faf80e29d51305caca6c0f1a97b722ee7e860dee354" \
    "f"                                                                                            \
    "dc2"
#define SAMPLE_HASH_ONE_ZERO                                                                       \
    "166dd5c61ed0758dd699944de174a893ce3628b995d430211bd7b00951bcc32eadbf7d341ceeafc9b50dd02e9194" \
    "0"                                                                                            \
    "273"
#define SAMPLE_HASH_NO_RATE                                                                        \
    "1353bf56b867b3418d9b69a41aba25ae2523ee5752ea37e6930fb0dc7e7dceabe1076cf5ae6026fd6bc33a696508" \
    "f"                                                                                            \
    "04a"
#define SAMPLE_HASH_NO_TRANSACTION                                                                 \
    "a1b2e1c9744c9a9c09c10a4f71f56c45ba754fa8b7f739ec32671aff78bc5da6b18549071d8afcfe7b6991886ae1" \
    "d"                                                                                            \
    "6a9"
#define SAMPLE_HASH_ANSWER_0                                                                       \
    "91952dcd631499b72e20a138f98ff9cbf8a091606aa09242b764999cad22851bd9ab5f3dbc8217855b489737fcac" \
    "9"                                                                                            \
    "ac0"
#define SAMPLE_HASH_ANSWER_1                                                                       \
    "555acd21b852624274c8116df4ede45f6ba921f2b06af87d926684fc2565b29ec06687178c2fa13f3772eb1b1ea1" \
    "7"                                                                                            \
    "ab8"
#define SAMPLE_HASH_ANSWER_MINUS_1                                                                 \
    "a9f6713bb5c5d796de8659802de623184e5d96d2bb6e68ece0b6d651781fd34f5fc14ca3d07b4964988a23190795" \
    "5"                                                                                            \
    "58b"

/* Another merchant's whole message, as its own event's data makes it. */
#define LIGHTHOUSE_SECRET "s3cr3t-for-tests"
#define LIGHTHOUSE_NOW 1760000000
#define LIGHTHOUSE_REST                                                                            \
    "\"customer\":{\"customer_token\":\"5f2b0c9a7de146538a0b1f4e9c3d2a77\",\"country\":\"NO\"},"   \
    "\"session\":{\"order_id\":\"ord-000042\",\"conversion_rate\":\"0.918300\"},\"transaction\":"  \
    "{\"tid\":9100001,\"currency\":\"USD\",\"amount\":2599,\"conversion_rate\":\"0.918300\","      \
    "\"processed_currency\":\"EUR\",\"processed_amount\":2387}"
#define LIGHTHOUSE_MESSAGE                                                                         \
    "{\"merchant_id\":\"API-Lighthouse\",\"application_key\":\"lighthouse-shop\","                 \
    "\"conversion_rate\":\"0.918300\"," LIGHTHOUSE_REST                                            \
    ",\"version\":\"1.3\",\"timestamp\":1760000000}"
#define LIGHTHOUSE_HASH                                                                            \
    "b732f457aa91ef04b53e41f57637e1e0158658738204bd76b6b92fb4c36e90fdb35ce879b17873ff523a5c5dc59e" \
    "1"                                                                                            \
    "0b1"
#define LIGHTHOUSE_ANSWER "{\"status\":0,\"timestamp\":1760000001}"
#define LIGHTHOUSE_ANSWER_HASH                                                                     \
    "08efa809c36d6e68257b3c39a7ee196ac45155d67c58b33aec47279d74d1c406cbfddfea90973a2b43a327c2bad1" \
    "8"                                                                                            \
    "790"

/* Version 1.1: its signature is a member, over the others in the order of their names. */
#define OLD_MESSAGE                                                                                \
    "{\"your_reference\":\"ABCDEF\",\"merchant_id\":\"Test-Integration-Merchant\","                \
    "\"signature\":"                                                                               \
    "\"c8d9b1824601bb6e11342afc36cb7281892daead2fbae257ea2d2ff8aa4908d66d5863a429e247d47155c01a05" \
    "92e"                                                                                          \
    "482\",\"timestamp\":1568855392,\"version\":\"1.1\",\"empty\":null,"                           \
    "\"application_key\":\"Integration TEST USD\"}"

#endif
