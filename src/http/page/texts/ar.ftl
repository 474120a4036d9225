language = العربية
skip = انتقل إلى المحتوى
navigation = الصفحات
languages = اللغات
terms = شروط الخدمة
privacy = سياسة الخصوصية
problem-prefix = خطأ:
problem-title = توجد مشكلة
show-password = أظهر كلمة المرور
hide-password = أخفِ كلمة المرور
copy = نسخ
copied = تم النسخ
continue = متابعة
save = حفظ
cancel = إلغاء
try-again = حاول مرة أخرى
begin-again = ابدأ من جديد

username = اسم المستخدم
password = كلمة المرور
new-password = كلمة المرور الجديدة
code = الرمز
code-hint = الأرقام الستة التي يعرضها تطبيق المصادقة، أو أحد رموز الاسترداد.
code-if-any = فقط إذا كنت قد فعّلت الدخول بخطوتين.
keep = أبقني مسجّل الدخول على هذا الجهاز

login-title = تسجيل الدخول
login-button = تسجيل الدخول
login-link = إلى تسجيل الدخول
login-again-title = أكّد أنك أنت
login-again-text = سجّل الدخول مرة أخرى للمتابعة.
login-code-title = أدخل الرمز
login-code-text = يطلب حسابك خطوة ثانية.
login-password-title = اختر كلمة مرور جديدة
login-password-text = انتهت صلاحية كلمة المرور أو يجب تغييرها قبل المتابعة.
forgot-link = هل نسيت كلمة المرور؟
signup-question = ليس لديك حساب؟
signup-link = أنشئ حسابًا
logout-title = تسجيل الخروج
logout-button = تسجيل الخروج
done-logout = تم تسجيل خروجك.

account-title = حسابك
admin-title = الإدارة
signed-in-as = مسجّل الدخول باسم { $name }
profile-title = ملفك الشخصي
display-name = الاسم المعروض
first-name = الاسم الأول
middle-name = الاسم الأوسط
last-name = اسم العائلة
done-profile = تم حفظ ملفك الشخصي.

wait-seconds = { $count ->
    [zero] محاولات كثيرة. حاول مرة أخرى الآن.
    [one] محاولات كثيرة. حاول مرة أخرى بعد ثانية واحدة.
    [two] محاولات كثيرة. حاول مرة أخرى بعد ثانيتين.
    [few] محاولات كثيرة. حاول مرة أخرى بعد { $count } ثوانٍ.
    [many] محاولات كثيرة. حاول مرة أخرى بعد { $count } ثانية.
   *[other] محاولات كثيرة. حاول مرة أخرى بعد { $count } ثانية.
 }
wait-minutes = { $count ->
    [zero] محاولات كثيرة. حاول مرة أخرى الآن.
    [one] محاولات كثيرة. حاول مرة أخرى بعد دقيقة واحدة.
    [two] محاولات كثيرة. حاول مرة أخرى بعد دقيقتين.
    [few] محاولات كثيرة. حاول مرة أخرى بعد { $count } دقائق.
    [many] محاولات كثيرة. حاول مرة أخرى بعد { $count } دقيقة.
   *[other] محاولات كثيرة. حاول مرة أخرى بعد { $count } دقيقة.
 }
foreign-form-title = لم يُرسَل هذا من هنا
foreign-form-text = أرسل موقع آخر هذا النموذج. لم يتغيّر شيء.
old-form-title = هذا النموذج قديم
old-form-text = لم يتغيّر شيء. افتح الصفحة من جديد وأرسل النموذج مرة أخرى. يجب أن يقبل متصفحك ملفات تعريف الارتباط وأن يبدأ العنوان بـ https.
done-form-kept = انتهت جلستك في هذه الأثناء. ما كتبته معروض من جديد: تحقق منه وأرسله مرة أخرى.
done-form-lost = انتهت جلستك في هذه الأثناء. لم يُحفظ ما كتبته: أعد المحاولة.
busy-title = الخادم مشغول
busy-text = لا يستطيع الخادم الرد الآن. حاول مرة أخرى بعد بضع ثوانٍ.
refused-title = لا يمكن فعل ذلك
refused-text = لا يمكن تنفيذ الطلب.
fault-title = حدث خطأ ما
fault-text = الخطأ من جانبنا وقد سُجّل. حاول مرة أخرى لاحقًا.
fault-id = رقم هذا الطلب: { $id }

login-E005001 = اسم المستخدم أو كلمة المرور غير صحيحة.
login-code-E005001 = الرمز غير صحيح أو استُخدم من قبل، أو استغرق الأمر وقتًا طويلًا. جرّب الرمز التالي أو ابدأ من جديد.
error-other = هذا غير مسموح.
error-E001001 = لا يمكن استخدام اسم المستخدم هذا.
error-E001002 = اسم المستخدم هذا مأخوذ.
error-E001003 = اسم المستخدم هذا طويل جدًا.
error-E001004 = لا يحتوي اسم المستخدم على مسافات.
error-E002001 = هذا ليس عنوان بريد إلكتروني.
error-E002002 = عنوان البريد الإلكتروني هذا مأخوذ.
error-E002003 = عنوان البريد الإلكتروني هذا طويل جدًا.
error-E002004 = لا يحتوي عنوان البريد الإلكتروني على مسافات.
error-E002005 = أدخل عنوان بريدك الإلكتروني.
error-E003001 = اختر كلمة مرور أخرى: لا يمكن استخدام هذه.
error-E003002 = كلمة المرور هذه قصيرة جدًا.
error-E003003 = كلمة المرور هذه طويلة جدًا.
error-E003008 = كلمة المرور هذه سهلة التخمين. اجعلها أطول أو امزج عدة كلمات.
error-E005001 = هذا غير مسموح، أو أن كلمة المرور أو الرمز غير صحيح.
error-E005002 = هذا الحساب مقفل.
error-E005003 = لم يُؤكَّد عنوان البريد الإلكتروني لهذا الحساب بعد.
error-E005004 = لم تتم الموافقة على هذا الحساب بعد.
error-E005008 = أدخل رمزًا.
error-E008002 = لا يمكن استخدام هذا هنا.
error-E008003 = أكمل ما ينقص.

signup-title = إنشاء حساب
signup-button = إنشاء الحساب
signup-terms = بإنشاء حساب فإنك تقبل الشروط المذكورة أسفل هذه الصفحة.
signup-closed-title = التسجيل غير متاح
signup-closed-text = لا يمكن إنشاء حسابات هنا. اطلب حسابًا من القائمين على هذا الموقع.
signup-done-title = تفقّد بريدك الإلكتروني
signup-done-text = إذا كان العنوان صالحًا للاستخدام فهناك رسالة فيها رابط في طريقها إليه. اتبع الرابط لتأكيد حسابك.
login-question = لديك حساب؟
email = عنوان البريد الإلكتروني
email-optional = عنوان البريد الإلكتروني (اختياري)
display-name-optional = الاسم المعروض (اختياري)
password-hint = { $count ->
    [zero] عدة كلمات يسهل تذكّرها ويصعب تخمينها.
    [one] حرف واحد على الأقل. عدة كلمات يسهل تذكّرها ويصعب تخمينها.
    [two] حرفان على الأقل. عدة كلمات يسهل تذكّرها ويصعب تخمينها.
    [few] { $count } أحرف على الأقل. عدة كلمات يسهل تذكّرها ويصعب تخمينها.
    [many] { $count } حرفًا على الأقل. عدة كلمات يسهل تذكّرها ويصعب تخمينها.
   *[other] { $count } حرف على الأقل. عدة كلمات يسهل تذكّرها ويصعب تخمينها.
 }
resend-link = لم تصلك رسالة؟
resend-title = إعادة إرسال الرسالة
resend-text = إذا كان هناك حساب ينتظر التأكيد فستُرسَل إليه رسالته مرة أخرى.
username-or-email = اسم المستخدم أو عنوان البريد الإلكتروني
send = إرسال
token = الرمز من البريد الإلكتروني
token-hint = انسخ الرابط أو الرمز من الرسالة إذا كان هذا الحقل فارغًا.
confirm-signup-title = تأكيد حسابك
confirm-signup-text = بقيت خطوة واحدة: أكّد أنك أنت من أنشأ هذا الحساب.
confirm-email-title = تأكيد عنوان بريدك الإلكتروني
confirm-email-text = أكّد أن هذا العنوان سيكون عنوان حسابك.
confirm-button = تأكيد
done-signup = تم تأكيد حسابك. يمكنك الآن تسجيل الدخول.
done-approval = تم تأكيد حسابك. يمكنك تسجيل الدخول بعد الموافقة عليه.
done-email = تم حفظ عنوان بريدك الإلكتروني.
done-email-sent = هناك رسالة في طريقها إلى العنوان الجديد. اتبع الرابط فيها لتأكيد التغيير.
forgot-title = هل نسيت كلمة المرور؟
forgot-text = أخبرنا من أنت. إذا كان لديك حساب فيه عنوان بريد إلكتروني فستصلك رسالة فيها رابط لاختيار كلمة مرور جديدة.
sent-title = تفقّد بريدك الإلكتروني
sent-text = إذا وُجد هذا الحساب فهناك رسالة فيها رابط في طريقها إليه. يُستخدم الرابط مرة واحدة.
reset-title = اختر كلمة مرور جديدة
forgot-again = اطلب رسالة أخرى
done-password = تم تغيير كلمة المرور.
reset-E010001 = هذا الرمز غير صحيح أو استُخدم من قبل أو قديم جدًا. اطلب رسالة أخرى.
error-E005006 = هذا الرمز غير صحيح أو استُخدم من قبل أو قديم جدًا.
error-E005007 = هذا الحساب مؤكَّد من قبل.

security-title = الدخول والأمان
email-title = عنوان البريد الإلكتروني
email-now = عنوان بريدك الإلكتروني: { $email }
email-new = عنوان البريد الإلكتروني الجديد
email-hint = قد يلزمك تأكيده برابط يُرسَل إليه.
password-title = تغيير كلمة المرور
old-password = كلمة المرور الحالية
account-password-E005001 = كلمة المرور الحالية غير صحيحة.
two-factor-title = الدخول بخطوتين
two-factor-text = مع الخطوة الثانية لا تكفي كلمة المرور وحدها: يعرض تطبيق على هاتفك رمزًا يُطلَب منك أيضًا.
two-factor-on = الدخول بخطوتين مفعّل.
two-factor-button = تفعيل الدخول بخطوتين
two-factor-off-title = الإيقاف
two-factor-off-button = إيقاف الدخول بخطوتين
done-two-factor-off = تم إيقاف الدخول بخطوتين.
done-second-factor = فعّل الدخول بخطوتين لاستخدام الإدارة.
is-on = مفعّل
is-off = متوقف
none = لا يوجد
set-up-title = إعداد التطبيق
set-up-text = امسح هذه الصورة بتطبيق مصادقة.
qr-code = رمز QR فيه المفتاح أدناه
key-text = أو اكتب هذا المفتاح في التطبيق:
set-up-hint = الأرقام الستة التي يعرضها التطبيق الآن.
account-set-up-E005001 = الرمز غير صحيح. أدخل الرمز الذي يعرضه التطبيق الآن.
codes-title = رموز الاسترداد
codes-text = احفظ هذه الرموز في مكان آمن. يتيح لك كل منها الدخول مرة واحدة دون التطبيق. لن تُعرض مرة أخرى، ولم تعد الرموز السابقة صالحة.
codes-left = { $count ->
    [zero] لم يبقَ لديك أي رمز.
    [one] بقي لديك رمز واحد.
    [two] بقي لديك رمزان.
    [few] بقيت لديك { $count } رموز.
    [many] بقي لديك { $count } رمزًا.
   *[other] بقي لديك { $count } رمز.
 }
codes-button = إنشاء رموز جديدة
sessions-title = أماكن تسجيل دخولك
sessions-text = أنهِ ما لا تعرفه ثم غيّر كلمة المرور.
sessions = الجلسات
unknown-program = برنامج غير معروف
device-on = { $browser } على { $system }
this-session = هذه الجلسة
session-from = من { $address }
session-seen = آخر استخدام:
session-began = بداية الجلسة:
end = إنهاء
end-of = إنهاء جلسة { $name }
end-others = إنهاء كل الجلسات الأخرى
end-all = إنهاء كل الجلسات
done-session = تم الإنهاء.
data-title = بياناتك
data-text = ملف فيه ما هو محفوظ عنك: الملف الشخصي والجلسات ومفاتيح المرور والسمات.
data-button = تنزيل
passkey-button = تسجيل الدخول بمفتاح مرور
passkey-instead = استخدام مفتاح مرور بدلاً من ذلك
passkey-failed = لم يُستخدم أي مفتاح مرور. حاول مرة أخرى أو سجّل الدخول بطريقة أخرى.
passkeys-title = مفاتيح المرور
passkeys-text = بمفتاح المرور تسجّل الدخول ببصمتك أو وجهك أو قفل جهازك أو بمفتاح أمان، ولا تحتاج إلى كلمة مرور ولا إلى رمز.
passkeys-none = ليست لديك مفاتيح مرور بعد.
passkey-add = إضافة مفتاح مرور
passkeys-impossible = تحتاج مفاتيح المرور إلى JavaScript ومتصفح يدعمها، على العنوان المعروف لهذا الموقع.
passkey-not-added = لم يُضف أي مفتاح مرور. ربما يوجد على هذا الجهاز مفتاح لحسابك. حاول مرة أخرى.
passkey-name = اسم مفتاح المرور
passkey-name-hint = مثلاً: هاتفي
passkey-name-of = اسم { $name }
passkey-rename = تغيير الاسم
passkey-rename-of = تغيير اسم { $name }
passkey-remove = إزالة
passkey-remove-of = إزالة { $name }
passkey-created = أُضيف:
never = أبدًا
done-passkey-added = أُضيف مفتاح المرور. يمكنك الآن تسجيل الدخول به.
done-passkey-renamed = تغيّر اسم مفتاح المرور.
done-passkey-removed = أُزيل مفتاح المرور. احذفه من جهازك أيضًا.
error-E012001 = لا يمكن استخدام مفتاح المرور هذا هنا.
error-E012002 = استغرق الأمر وقتًا طويلاً، أو تم من قبل. حاول مرة أخرى.
error-E012003 = من دون مفتاح المرور هذا لن يتمكن أحد من تسجيل الدخول إلى الحساب. عيّن كلمة مرور أولاً.
account-delete-title = حذف حسابك
account-delete-text = يُحذف حسابك نهائيًا مع كل ما هو مخزن عنك. ويمكن لآخرين أخذ اسمه بعد ذلك.
account-delete-name = للتأكيد، اكتب اسم المستخدم: { $name }
account-delete-button = حذف حسابي
done-account-deleted = حُذف حسابك.
account-delete-E001001 = ليس هذا اسم مستخدم حسابك.
account-delete-E008002 = أنت آخر مستخدم متميز. عيّن مستخدمًا آخر أولًا.
back-to-account = العودة إلى حسابك

admin-users = المستخدمون
admin-sites = المواقع
admin-audit = سجل التدقيق
audit-op = العملية
audit-result = النتيجة
audit-result-hint = ok أو refused أو رمز مثل E005001
audit-user = المستخدم
audit-user-hint = اسم مستخدم أو معرّف
audit-address = العنوان
audit-cid = معرّف الارتباط
audit-from = من
audit-until = إلى
audit-time = الوقت
audit-by = بواسطة
audit-on = بشأن
audit-how = الطريقة
audit-none = لم يُعثر على أي سجلات.
audit-latest = أحدث سجلات التدقيق
audit-of-user = كل سجلات التدقيق لهذا المستخدم
search = بحث
search-label = الاسم أو عنوان البريد الإلكتروني
search-hint = جزء من اسم مستخدم أو اسم، أو عنوان بريد إلكتروني كامل.
list-label = القائمة
list-all = كل المستخدمين
list-waiting = في انتظار الموافقة
list-rejected = المرفوضون
list-unconfirmed = غير المؤكَّدين
list-locked = مقفل
list-super-users = المستخدمون المتميزون
search-more = معايير أخرى
signed-up-from = سجّل منذ
signed-up-until = سجّل حتى
logged-in-since = سجّل الدخول منذ
order-label = الترتيب
order-name = حسب اسم المستخدم
order-newest = الأحدث أولًا
first-page = الصفحة الأولى
found = { $count ->
    [zero] لا مستخدمين
    [one] مستخدم واحد
    [two] مستخدمان
    [few] { $count } مستخدمين
    [many] { $count } مستخدمًا
   *[other] { $count } مستخدم
 }
found-none = لم يُعثر على مستخدمين.
found-about = نحو { $count } مستخدم
found-more = أكثر من { $count } مستخدم
status = الحالة
signed-up = تاريخ التسجيل
status-before-decision = بلا موافقة
status-approved = موافق عليه
status-rejected = مرفوض
status-locked = مقفل
status-super-user = مستخدم متميز
previous = السابق
next = التالي
page-of = صفحة { $page } من { $pages }
approve = موافقة
reject = رفض
lock = قفل
unlock = فتح القفل
send-reset = إرسال رابط لكلمة مرور جديدة
done-approved = تمت الموافقة على المستخدم.
done-rejected = تم رفض المستخدم.
done-locked = تم قفل المستخدم.
done-unlocked = تم فتح قفل المستخدم.
done-deleted = تم حذف المستخدم.
done-reset = هناك رسالة في طريقها.
details = التفاصيل
attributes = السمات
linked-auth = التعريفات المرتبطة
encrypted = مشفّر
delete-title = الحذف
delete-question = حذف هذا المستخدم…
delete-text = يُحذف المستخدم نهائيًا مع كل جلساته وسماته.
delete = حذف نهائي
no-user-title = لا يوجد مستخدم كهذا
no-user-text = ربما حُذف المستخدم.
admin-groups = المجموعات
group-name = المجموعة
group-new = مجموعة جديدة
group-create = إنشاء المجموعة
group-add = إضافة إلى المجموعة
group-delete-question = حذف هذه المجموعة …
group-delete-text = تُحذف المجموعة نهائيًا مع الحقوق التي تمنحها. ويبقى أعضاؤها.
no-group-title = لا توجد مجموعة كهذه
no-group-text = ربما حُذفت المجموعة.
description = الوصف
scopes = النطاقات (scopes)
scopes-hint = ما يمكن منحه للأعضاء، مفصولًا بمسافات.
rights = الحقوق
can-manage-users = إدارة المستخدمين
can-read-audit = قراءة سجل التدقيق
members = الأعضاء
members-count = { $count ->
    [zero] لا أعضاء
    [one] عضو واحد
    [two] عضوان
    [few] { $count } أعضاء
    [many] { $count } عضوًا
   *[other] { $count } عضو
 }
member-add = إضافة
remove = إزالة
remove-of = إزالة { $name }
done-group-created = أُنشئت المجموعة.
done-group-saved = حُفظت المجموعة.
done-group-deleted = حُذفت المجموعة.
done-member-added = المستخدم الآن في المجموعة.
done-member-removed = لم يعد المستخدم في المجموعة.
error-E013001 = لا توجد هذه المجموعة.
error-E013002 = توجد مجموعة بهذا الاسم بالفعل.
error-E008001 = هذا غير ممكن حاليًا.
site-name = الموقع
public-key = المفتاح العام
trusted = موثوق
callbacks = عناوين الرجوع
error-E001100 = لا يوجد مستخدم كهذا.
error-E007001 = انتهت هذه الجلسة من قبل.

consent-title = يطلب { $client } الوصول
consent-text = إذا سمحت بذلك فستنتقل إلى { $target }، ويحصل التطبيق على:
consent-yes = السماح
consent-no = عدم السماح
consent-other = استخدام حساب آخر
consent-hint = يمكنك سحب ذلك في أي وقت من حسابك، ضمن التطبيقات.
scope-openid = هويتك: رقم يمثل حسابك
scope-profile = اسمك واسم المستخدم
scope-email = عنوان بريدك الإلكتروني
scope-groups = المجموعات التي تنتمي إليها
scope-offline_access = الوصول عندما لا تكون مسجّل الدخول
applications-title = التطبيقات التي لديها وصول
applications-text = يمكن لهذه التطبيقات معرفة ما هو مذكور. اسحب ما لا تستخدمه.
applications-none = لم تمنح أي تطبيق وصولاً.
applications-since = منذ:
withdraw = سحب
withdraw-of = سحب وصول { $name }
done-application = تم سحب الوصول.
client-problem-title = طلب التطبيق شيئًا لا يمكن تنفيذه
client-problem-text = لا يمكنك المتابعة من هنا. ارجع إلى التطبيق وأخبر القائمين عليه بما هو مكتوب أدناه.
device-title = توصيل جهاز
device-text = أدخل الرمز الذي يعرضه جهازك.
device-check = اسمح بذلك فقط إذا كان جهاز أمامك يعرض هذا الرمز:
device-E005001 = هذا الرمز غير صحيح أو استُخدم من قبل أو قديم جدًا. اطلب من الجهاز رمزًا آخر.
done-device-allowed = أصبح لدى الجهاز وصول الآن.
done-device-denied = لم يحصل الجهاز على وصول.

done-form-waits = ما كتبته معروض من جديد: راجعه ثم أرسله مرة أخرى.
onward-title = الانتقال إلى { $host }
onward-text = إن لم يحدث شيء فاستخدم الزر.
pages = الصفحات
search-list-label = جزء من الاسم
order-title = حسب الاسم
entries = { $count ->
    [zero] لا مدخلات
    [one] مدخل واحد
    [two] مدخلان
    [few] { $count } مدخلات
   *[other] { $count } مدخلًا
 }
active = نشط
inactive = غير نشط
created = أُنشئ
changed = عُدِّل
groups-none = لا توجد مجموعات بعد.
sites-text = مواقع تتشارك جلساتها عبر واجهة الجلسات. ينشئ الأمر zato-sso create-site موقعًا.
sites-none = لا توجد مواقع بعد.
admin-clients = العملاء
clients-text = تطبيقات يسجّل مستخدموها الدخول هنا عبر OpenID Connect.
clients-none = لا يوجد عملاء بعد.
clients-back = كل العملاء
provider-off = مزوّد OpenID متوقف: لا توجد قيمة oidc.issuer في الإعدادات.
client-new = عميل جديد
client-new-text = لكل ما عدا ذلك قيم افتراضية تناسب النوع، ويمكن تغييرها لاحقًا.
client-create = إنشاء العميل
client-back = المتابعة إلى العميل
client-id = معرّف العميل
client-name = الاسم
client-kind = النوع
client-kind-web = web: تطبيق على خادم
client-kind-spa = spa: تطبيق في متصفح
client-kind-native = native: تطبيق على هاتف أو حاسوب
client-kind-service = service: برنامج بلا مستخدمين
client-redirect_uris = عناوين إعادة التوجيه
client-redirect_uris-hint = عنوان في كل سطر. يُعاد المستخدمون إلى هذه العناوين، وتُقارن حرفًا بحرف.
client-post_logout_redirect_uris = عناوين إعادة التوجيه بعد الخروج
client-post_logout_redirect_uris-hint = عنوان في كل سطر.
client-scopes = النطاقات (scopes)
client-scopes-hint = ما يجوز له طلبه، تفصل بينه مسافات. إن تُرك الحقل فارغًا حصل العميل الجديد على ما يناسب نوعه.
client-is_trusted = موثوق: لا تُطلب موافقة المستخدمين
client-is_active = نشط: يمكن للمستخدمين تسجيل الدخول فيه
client-more = إعدادات أخرى
client-grants = المنح
client-auth_method = كيف يثبت هويته
client-require_pkce = ‏PKCE إلزامي
client-backchannel_logout_uri = عنوان الخروج عبر القناة الخلفية
client-backchannel_logout_uri-hint = هنا يُبلَّغ العميل بانتهاء جلسة.
client-id_token_alg = توقيع رموز الهوية
client-access_token_format = صيغة رموز الوصول
client-access_token_lifetime = مدة صلاحية رموز الوصول
client-access_token_lifetime-hint = بالثواني. فارغ: كما في الإعدادات.
client-refresh_token_lifetime = مدة صلاحية رموز التجديد
client-refresh_token_lifetime-hint = بالثواني. فارغ: كما في الإعدادات.
client-refresh_token_idle = تنتهي رموز التجديد غير المستخدمة بعد
client-refresh_token_idle-hint = بالثواني. فارغ: كما في الإعدادات.
client-default_audience = الجمهور الافتراضي
client-audiences = جماهير أخرى
client-audiences-hint = واحد في كل سطر.
client-own_audiences = الجماهير التي يمثلها هذا العميل
client-own_audiences-hint = واحد في كل سطر. يمكنه فحص رموز الوصول الموجهة إليها وتبديلها.
client-logo_uri = عنوان الشعار
client-policy_uri = عنوان سياسة الخصوصية
client-tos_uri = عنوان شروط الخدمة
client-app = اسم التطبيق لعمليات دخوله
client-app-hint = واحد من apps.all. فارغ: apps.default.
client-pairwise_sector = قطاع المعرّفات الزوجية
client-pairwise_sector-hint = اسم مضيف. فارغ: يعرف كل عميل المستخدم بالمعرّف نفسه.
client-jwks = المفاتيح العامة (JWKS)
client-jwks-hint = من أجل private_key_jwt.
client-jwks_uri = عنوان المفاتيح العامة (JWKS)
client-jwks_uri-hint = من أجل private_key_jwt، بدلاً من المفاتيح نفسها.
client-secret = سر العميل
client-secret-title = سر { $name }
client-secret-text = انسخ السر الآن، فلن يُعرض مرة أخرى.
client-secret-old = { $count ->
    [zero] انتهى السر السابق.
    [one] يبقى السر السابق صالحًا ساعة واحدة.
    [two] يبقى السر السابق صالحًا ساعتين.
    [few] يبقى السر السابق صالحًا { $count } ساعات.
   *[other] يبقى السر السابق صالحًا { $count } ساعة.
 }
client-rotate-title = سر جديد
client-rotate-text = يحصل العميل على سر آخر. يمكن أن يبقى السر الحالي صالحًا مدةً تعطي فيها العميل السر الجديد.
client-keep_old_for = ساعات بقاء السر الحالي صالحًا
client-keep_old_for-hint = ‏0 ينهيه الآن.
client-rotate = إنشاء سر جديد
client-delete-question = حذف هذا العميل …
client-delete-text = يزول العميل نهائيًا مع كل ما سمح به المستخدمون له، ولا يعود أحد قادرًا على تسجيل الدخول فيه.
done-client-created = أُنشئ العميل.
done-client-saved = حُفظ العميل.
done-client-rotated = صار للعميل سر جديد.
done-client-meanwhile = تغيّر العميل في هذه الأثناء، لذلك لم يُنفَّذ شيء. أرسل النموذج مرة أخرى إذا كنت لا تزال تريد ذلك.
done-client-deleted = حُذف العميل.
no-client-title = لا يوجد عميل كهذا
no-client-text = ربما حُذف العميل.
error-E014001 = لا يوجد عميل كهذا.
error-E014002 = لا يمكن استخدام هذا الإعداد.
admin-definitions = التعريفات
definitions-text = تعريفات الأمان هي بيانات دخول عملاء واجهة البرمجة. ما رُبط منها بمستخدم يعمل باسمه. ينشئ الأمر zato-sso create-sec-def تعريفًا.
definitions-none = لا توجد تعريفات أمان بعد.
definition-username = اسم مستخدم التعريف
linked-to = مرتبط بـ
link-add = ربط
done-linked = رُبط التعريف بالمستخدم.
done-unlinked = لم يعد التعريف مرتبطًا بالمستخدم.
admin-user-E008002 = لا يوجد تعريف كهذا، أو ليس مرتبطًا بهذا المستخدم.
admin-keys = المفاتيح
signing-title = مفاتيح التوقيع
signing-text = توقّع رموز عملاء OpenID. ينشئ الأمر zato-sso rotate-signing-keys مفاتيح جديدة، وإلا حدث ذلك تلقائيًا.
key-id = المفتاح
key-alg = الخوارزمية
key-from = يوقّع من
key-until = يوقّع حتى
key-published = منشور حتى
key-signing = يوقّع
key-waiting = سيوقّع
key-retired = لم يعد يوقّع
key-expired = لم يعد منشورًا
keyring-title = حلقة المفاتيح
keyring-text = تشفّر مفاتيحها ما هو سري في قاعدة البيانات.
key-active = المفتاح النشط
key-older = مفاتيح أقدم
key-missing = المفتاح مفقود
key-none = غير مشفّر
sealed-title = ما شفّره كل مفتاح
sealed-text = لعدّه يُقرأ كل صف، ويستغرق ذلك بضع ثوانٍ في قاعدة بيانات كبيرة.
sealed-button = عدّ
sealed-what = ماذا
count = العدد
sealed-email = عناوين البريد الإلكتروني
sealed-new-email = عناوين بريد بانتظار التأكيد
sealed-password = كلمات المرور
sealed-former-password = كلمات مرور سابقة
sealed-totp-key = مفاتيح TOTP
sealed-user-attr = سمات المستخدمين
sealed-session-attr = سمات الجلسات
sealed-definition = أسرار التعريفات
sealed-profile = ملفات الهويات
sealed-signing-key = مفاتيح التوقيع
sealed-outbox = رسائل بريد بانتظار الإرسال
admin-health = الحالة
health-ready = يستطيع الخادم أداء عمله.
health-trouble = لا يستطيع الخادم أداء عمله
health-version = الإصدار
health-database = قاعدة البيانات
health-schema = إصدار المخطط
counters-title = العدّادات
counters-text = ما عدّته هذه العملية منذ بدئها.
counter = العدّاد
counter-of = من ماذا
counter-value = القيمة
counter-about = المعنى
