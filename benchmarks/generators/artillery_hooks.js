// What Artillery's flows cannot say by themselves: of all virtual users, the first alone goes on to
// the next step. Artillery runs them in one worker, which reads this file once.
let isFirst = true;

exports.firstGoesOn = function (context, events, done) {
  if (isFirst) {
    isFirst = false;
    done();
  }
};
