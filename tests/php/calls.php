<?php

declare(strict_types=1);

// Runs through every call of the client, and prints what came of each as JSON.

require __DIR__ . '/SsoClient.php';

[$base, $publicKey, $privateKey] = [getenv('SSO_API'), getenv('SSO_PUBLIC_KEY'), getenv('SSO_PRIVATE_KEY')];
$client = new SsoClient($base, $publicKey, $privateKey);
$password = 'correct horse battery staple';

/** The HTTP status that a call is refused with. */
function refusal(callable $call): int
{
    try {
        $call();
    } catch (SsoException $refused) {
        return $refused->getCode();
    }
    return 0;
}

$results = [];
$profile = ['displayName' => 'Bea Åkesson', 'emails' => [['value' => 'bea@example.com']], 'accounts' => [['id' => 7]]];
$user = $client->createUser(
    ['login' => 'bea', 'password' => $password, 'externalid' => '45673', 'identity' => $profile]
);
$identityToken = $user['identity']['identity_token'];
$results['created'] = $user;
$results['twice'] = refusal(fn () => $client->createUser(['login' => 'bea']));
$results['lookup'] = $client->lookup('bea', $password);
$results['wrong_password'] = $client->lookup('bea', 'wrong');
$results['user'] = $client->user($user['user_token']);
$results['identity'] = $client->identity($identityToken);
$results['updated'] = $client->updateUser($user['user_token'], ['identity' => ['displayName' => 'Bea']]);
$results['users'] = $client->users(['entries_per_page' => 1, 'order_direction' => 'desc']);

$session = ['top_realm' => 'garden', 'sub_realm' => 'vegetables', 'lifetime' => '7200', 'data' => ['cart' => [1, 2]]];
$results['started'] = $client->startSession($identityToken, $session);
$token = $results['started']['sso_session_token'];
$results['sessions'] = $client->sessions(['page' => 1, 'entries_per_page' => 10]);
$results['session'] = $client->session($token);
$results['session_of_identity'] = $client->sessionOfIdentity($identityToken);
$results['not_confirmed'] = refusal(fn () => $client->call('DELETE', "/sso/sessions/$token.json"));
$second = $client->startSession($identityToken)['sso_session_token'];
$results['replaced'] = $client->session($token);
$client->endSession($second);
$results['ended'] = $client->session($second);
$client->startSession($identityToken);
$client->endSessionOfIdentity($identityToken);
$results['ended_of_identity'] = $client->sessionOfIdentity($identityToken);
$results['end_again'] = refusal(fn () => $client->endSessionOfIdentity($identityToken));
$results['guessed'] = $client->session('00000000-0000-4000-8000-000000000000');
$results['connection'] = $client->connection('00000000-0000-4000-8000-000000000000');
$wrong = new SsoClient($base, $publicKey, 'wrong');
$results['wrong_key'] = refusal(fn () => $wrong->sessions());

$results['site'] = $client->site();
$results['found'] = [
    $client->find('bea'),
    $client->find(null, $user['user_token']),
    $client->find('', null, 45673),
    $client->find(null, '', '45673'),
];
$results['not_found'] = [
    $client->find('nobody'),
    $client->find(null, '00000000-0000-4000-8000-000000000000'),
    $client->find(null, null, 7),
];
$results['with_password'] = [
    $client->lookup(45673, $password, 'externalid'),
    $client->lookup($user['user_token'], $password, 'user_token'),
];
$results['with_wrong_password'] = [
    $client->lookup('45673', 'wrong', 'externalid'),
    $client->lookup($user['user_token'], '', 'user_token'),
    $client->lookup('bea', ''),
];

$first = $client->updateUser($user['user_token'], ['identity' => ['urls' => [['value' => 'https://a.example']]]], 'replace');
$more = ['displayName' => 'Bea', 'urls' => [['value' => 'https://b.example']]];
$results['replaced_profile'] = $first['identity'];
$results['appended_profile'] = $client->updateUser($user['user_token'], ['identity' => $more], 'append')['identity'];
$results['kept_profile'] = $client->updateUser($user['user_token'], ['login' => 'bea', 'password' => '', 'identity' => []])['identity'];

$anonymous = $client->createUser(['login' => '', 'password' => null, 'externalid' => 7, 'identity' => ['emails' => []]]);
$results['anonymous'] = $anonymous;
$results['mapped'] = $client->mapUser($anonymous['user_token'], 8)['externalid'];
$results['mapped_twice'] = refusal(fn () => $client->mapUser($anonymous['user_token'], '45673'));
$results['synchronized'] = [
    $client->synchronizeUser('externalid', 8, ['login' => 'cy']),
    $client->synchronizeUser('login', 'cy', ['identity' => ['displayName' => 'Cy']], 'append'),
    $client->synchronizeUser('user_token', $anonymous['user_token']),
];
$results['made'] = $client->synchronizeUser('login', 'dora', ['externalid' => 9]);
$results['nothing_to_make'] = refusal(fn () => $client->synchronizeUser('user_token', 'unknown', ['login' => 'eve']));

$own = $anonymous['identity']['identity_token'];
$results['identities'] = $client->identities(['entries_per_page' => 2, 'order_direction' => 'ASC']);
$results['synchronized_identity'] = [
    $client->synchronizeIdentity($own),
    $client->synchronizeIdentity($own, ['update_user_data' => true, 'force_token_update' => 0]),
];
$results['linked'] = $client->linkIdentity($own, $results['made']['user_token']);
$results['left'] = $client->user($anonymous['user_token'])['externalid'];
$results['identity_not_confirmed'] = refusal(fn () => $client->call('DELETE', "/identities/$own.json"));
$client->deleteIdentity($own);
$results['identity_gone'] = refusal(fn () => $client->identity($own));
$results['user_not_confirmed'] = refusal(fn () => $client->call('DELETE', "/users/$anonymous[user_token].json?confirm_deletion=0"));
$client->deleteUser($anonymous['user_token']);
$results['user_gone'] = refusal(fn () => $client->user($anonymous['user_token']));
$results['connections'] = $client->connections();

// The forms in which other clients write the same.
$path = "/sso/sessions/identities/$identityToken.json";
$json = [CURLOPT_HTTPHEADER => ['Content-Type: application/json']];
$forms = [
    'form' => ['{"request":{"sso_session":[]}}', []],
    'json' => ['{"request":{"sso_session":{"lifetime":"","top_realm":7,"sub_realm":null}}}', $json],
    'list' => ['[]', $json],
    'request is a list' => ['{"request":[]}', []],
    'no content type' => ['{}', [CURLOPT_HTTPHEADER => ['Content-Type:']]],
    'empty' => ['', []],
    'none' => [null, []],
    'expects' => ['{"request":[]}', [CURLOPT_HTTPHEADER => ['Expect: 100-continue']]],
    'HTTP/1.0' => ['{"request":[]}', [CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_0]],
    'any encoding' => ['{"request":[]}', [CURLOPT_ENCODING => '']],
    'large' => [json_encode(['request' => ['sso_session' => ['data' => str_repeat('x', 60_000)]]]), []],
];
foreach ($forms as $name => [$body, $options]) {
    $results['forms'][$name] = $client->send('PUT', $path, $body, $options)['sso_session']['identity_token'];
}
foreach (['true', 'TRUE', '1'] as $flag) {
    $client->startSession($identityToken);
    $client->send('DELETE', "$path?confirm_deletion=$flag", $flag === '1' ? '[]' : null);
    $results['flags'][$flag] = $client->sessionOfIdentity($identityToken);
}
$strange = [
    'GET /users.json?',
    'GET /users.json?page=&entries_per_page=&order_direction=',
    'GET /site.json?',
];
foreach ($strange as $line) {
    [$method, $query] = explode(' ', $line);
    $results['strange'][$line] = array_keys($client->send($method, $query))[0];
}
$unknown = [
    'GET /users/one/two.json', 'GET /site/x.json', 'POST /site.json', 'GET /identities.xml', 'PATCH /users.json',
    'GET /storage.json', 'GET /storage/users/x.json', 'PUT /connections.json', 'GET /sso/sessions/a/b/c.json',
    'PUT /identities/x/unknown.json',
];
foreach ($unknown as $line) {
    [$method, $query] = explode(' ', $line);
    $results['unknown'][$line] = refusal(fn () => $client->send($method, $query, '[]'));
}
$results['broken'] = refusal(fn () => $client->send('PUT', $path, '{'));
$results['too_large'] = refusal(fn () => $client->send('PUT', $path, str_repeat(' ', 1_100_000)));

echo json_encode($results, JSON_THROW_ON_ERROR);
