(* What training bounds are the norms of the two layers, ||W|| <= RW and ||a|| <= Ra: the same barriers hold there. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Statements.
Import ListNotations.
Open Scope R_scope.

(* the largest of the first d entries *)
Fixpoint largest (d : nat) (u : rvec) : R := match d with O => 0 | S k => Rmax (largest k u) (Rabs (u k)) end.

(* ||W|| <= RW and ||a|| <= Ra in the norms of the ball *)
Definition in_layers (m d : nat) (ball : balls) (RW Ra : R) (W : nat -> rvec) (a : nat -> R) : Prop :=
  match ball with
  | Free => True
  | Entrywise _ _ => (forall j, (j < m)%nat -> largest d (W j) <= RW) /\ forall j, (j < m)%nat -> Rabs (a j) <= Ra
  | Columns _ _ => (forall j, (j < m)%nat -> norm d (W j) <= RW) /\ forall j, (j < m)%nat -> Rabs (a j) <= Ra
  | Frobenius _ _ => norm m (fun j => norm d (W j)) <= RW /\ norm m a <= Ra
  end.

Definition connects_layers m d ball RW Ra lab (A B : endpoint) (W : R -> nat -> rvec) (a : R -> nat -> R) : Prop :=
  is_path m d W a /\ (forall t, 0 <= t <= 1 -> in_layers m d ball RW Ra (W t) (a t)) /\ is_net m d A (W 0) (a 0) /\
  exists s, renaming lab m s /\ is_net m d B (fun j => W 1 (s j)) (fun j => a 1 (s j)).

Definition barrier_layers X y m d ball RW Ra lab A B (lower upper : R) : Prop :=
  (forall W a, connects_layers m d ball RW Ra lab A B W a -> exists t, 0 <= t <= 1 /\ lossq X y m (W t) (a t) >= lower) /\
  (exists W a, connects_layers m d ball RW Ra lab A B W a /\ forall t, 0 <= t <= 1 -> lossq X y m (W t) (a t) <= upper).

Definition least_layers X y m d ball RW Ra (lower upper : R) : Prop :=
  (forall W a, in_layers m d ball RW Ra W a -> lossq X y m W a >= lower) /\
  exists W a, in_layers m d ball RW Ra W a /\ lossq X y m W a <= upper.

Definition linked_layers X y m d ball RW Ra (lab : bool) (b : R) (W : nat -> rvec) (a : nat -> R) (A : endpoint) : Prop :=
  exists f g V v, Bij m f g /\ (lab = true -> forall j, (j < m)%nat -> g j = j) /\ is_path m d V v /\
    eqnet m d (V 0) (v 0) (fun j => W (g j)) (fun j => a (g j)) /\ eqnet m d (V 1) (v 1) (W_of A) (a_of A) /\
    forall t, 0 <= t <= 1 -> in_layers m d ball RW Ra (V t) (v t) /\ lossq X y m (V t) (v t) <= b.

Definition components_layers X y m d ball RW Ra (lab : bool) (b : R) (reps : list endpoint) : Prop :=
  (forall A, In A reps -> in_layers m d ball RW Ra (W_of A) (a_of A) /\ lossq X y m (W_of A) (a_of A) <= b) /\
  (forall W a, in_layers m d ball RW Ra W a -> lossq X y m W a <= b ->
     exists A, In A reps /\ linked_layers X y m d ball RW Ra lab b W a A) /\
  (forall i j, (i < length reps)%nat -> (j < length reps)%nat -> i <> j ->
     ~ linked_layers X y m d ball RW Ra lab b (W_of (nth i reps [])) (a_of (nth i reps [])) (nth j reps [])).

(* ---- continuity of roots ---- *)

Lemma cont01_sqrt : forall n, cont01 n -> (forall t, 0 <= t <= 1 -> 0 <= n t) -> cont01 (fun t => sqrt (n t)).
Proof.
  intros n C P t Ht eps He. destruct (C t Ht (eps * eps)) as (e & He' & H); [nra|]. exists e. split; auto.
  intros s Hs L. specialize (H s Hs L). pose proof (P t Ht) as P1. pose proof (P s Hs) as P2.
  pose proof (sqrt_sqrt _ P1) as E1. pose proof (sqrt_sqrt _ P2) as E2.
  pose proof (sqrt_pos (n t)) as N1. pose proof (sqrt_pos (n s)) as N2.
  set (x := sqrt (n t)) in *. set (z := sqrt (n s)) in *. rewrite <- E1, <- E2 in H.
  apply Rabs_def2 in H as [H1 H2]. apply Rabs_def1; apply Rnot_le_lt; intros G; nra.
Qed.

(* f / sqrt n, which is 0 where n is *)
Lemma cont01_root : forall f n, cont01 f -> cont01 n -> (forall t, 0 <= t <= 1 -> Rabs (f t) <= n t) ->
  cont01 (fun t => f t * / sqrt (n t)).
Proof.
  intros f n Cf Cn H.
  assert (P : forall t, 0 <= t <= 1 -> 0 <= n t) by (intros t Ht; eapply Rle_trans; [apply Rabs_pos|apply (H t Ht)]).
  pose proof (cont01_sqrt n Cn P) as Cs. apply cont01_lim. intros t Ht. destruct (P t Ht) as [L|E].
  - apply (limit_mul f (fun t => / sqrt (n t)) I01 (f t) (/ sqrt (n t)) t); [apply (proj1 (cont01_lim f)); auto|].
    apply (limit_inv (fun t => sqrt (n t)) I01 (sqrt (n t)) t); [apply (proj1 (cont01_lim (fun t => sqrt (n t)))); auto|].
    apply Rgt_not_eq, sqrt_lt_R0; auto.
  - assert (F0 : f t = 0).
    { pose proof (H t Ht) as Hf. rewrite <- E in Hf. pose proof (Rabs_pos (f t)).
      destruct (Req_dec (f t) 0) as [|N]; auto. apply Rabs_pos_lt in N. lra. }
    intros eps He. destruct (Cs t Ht eps He) as (e & He' & G). exists e. split; auto.
    intros s [Hs L]. specialize (G s Hs L). simpl. unfold R_dist. rewrite F0, Rmult_0_l, Rminus_0_r.
    rewrite <- E, sqrt_0, Rminus_0_r in G. rewrite Rabs_right in G by (apply Rle_ge, sqrt_pos).
    eapply Rle_lt_trans; [|exact G]. pose proof (P s Hs) as Ps. destruct Ps as [Lp|Ep].
    + pose proof (sqrt_lt_R0 _ Lp) as Q. rewrite Rabs_mult, (Rabs_right (/ sqrt (n s))) by (left; apply Rinv_0_lt_compat; auto).
      apply Rmult_le_reg_r with (sqrt (n s)); auto. rewrite Rmult_assoc, Rinv_l, Rmult_1_r, sqrt_sqrt by lra. apply H; auto.
    + specialize (H s Hs). rewrite <- Ep in H. pose proof (Rabs_pos (f s)).
      assert (Rabs (f s) = 0) as Z by lra. rewrite Rabs_mult, Z, Rmult_0_l. apply sqrt_pos.
Qed.

Lemma cont01_sumlt : forall d (f : nat -> R -> R), (forall i, (i < d)%nat -> cont01 (f i)) -> cont01 (fun t => sumlt d (fun i => f i t)).
Proof.
  induction d as [|d IH]; intros f H; simpl; [apply cont01_const|]. apply (cont01_plus (fun t => sumlt d (fun i => f i t)) (f d)); auto.
Qed.

Lemma cont01_max : forall f g, cont01 f -> cont01 g -> cont01 (fun t => Rmax (f t) (g t)).
Proof.
  intros f g Cf Cg. apply (cont01_ext (fun t => / 2 * (f t + g t + Rabs (f t + -1 * g t)))).
  - intros t. unfold Rmax, Rabs. destruct Rle_dec, Rcase_abs; lra.
  - apply cont01_mult; [apply cont01_const|]. apply cont01_plus; [apply cont01_plus; auto|].
    apply cont01_abs. apply cont01_plus; auto. apply cont01_mult; auto. apply cont01_const.
Qed.

(* ---- both norms of a neuron's weights ---- *)

Record size (d : nat) (N : rvec -> R) : Prop := Size {
  s_pos : forall u, 0 <= N u;
  s_scale : forall c u, N (fun i => c * u i) = Rabs c * N u;
  s_entry : forall u i, (i < d)%nat -> Rabs (u i) <= N u;
  s_ext : forall u v, (forall i, (i < d)%nat -> u i = v i) -> N u = N v;
  s_cont : forall U : R -> rvec, (forall i, (i < d)%nat -> cont01 (fun t => U t i)) -> cont01 (fun t => N (U t))
}.

Lemma norm_size : forall d, size d (norm d).
Proof.
  intros d. split.
  - intros; apply norm_pos.
  - apply norm_scale.
  - intros u i Hi. apply Rsqr_incr_0_var; [|apply norm_pos]. rewrite <- Rsqr_abs. unfold Rsqr. rewrite norm_sqr.
    revert i Hi. induction d as [|d IH]; intros i Hi; [lia|]. simpl. pose proof (sumlt_squares d u).
    destruct (Nat.eq_dec i d) as [->|N]; [lra|]. specialize (IH i ltac:(lia)). nra.
  - intros u v E. apply Rle_antisym; apply norm_le; intros i Hi; rewrite E; auto; lra.
  - intros U C. unfold norm. apply cont01_sqrt; [|intros; apply sumlt_squares].
    apply cont01_sumlt. intros i Hi. apply cont01_mult; auto.
Qed.

Lemma largest_size : forall d, size d (largest d).
Proof.
  intros d. split.
  - intros u. induction d as [|d IH]; simpl; [lra|]. eapply Rle_trans; [exact IH|apply Rmax_l].
  - intros c u. induction d as [|d IH]; simpl; [ring|]. rewrite IH, Rabs_mult, RmaxRmult; auto. apply Rabs_pos.
  - intros u i Hi. induction d as [|d IH]; [lia|]. simpl. destruct (Nat.eq_dec i d) as [->|N]; [apply Rmax_r|].
    eapply Rle_trans; [apply IH; lia|apply Rmax_l].
  - intros u v E. induction d as [|d IH]; simpl; auto. rewrite IH, E; auto.
  - intros U C. induction d as [|d IH]; simpl; [apply cont01_const|]. apply (cont01_max (fun t => largest d (U t))); auto.
    apply cont01_abs; auto.
Qed.

(* a sum or all are at most r *)
Definition under (sh : bool) (m : nat) (f : nat -> R) (r : R) : Prop :=
  if sh then sumlt m f <= r else forall j, (j < m)%nat -> f j <= r.

Lemma under_le : forall sh m f g r, under sh m g r -> (forall j, (j < m)%nat -> f j <= g j) -> under sh m f r.
Proof.
  intros [] m f g r H L; unfold under in *; [eapply Rle_trans; [apply sumlt_le; exact L|auto]|].
  intros j Hj. eapply Rle_trans; [apply L|]; auto.
Qed.
Lemma under_scale : forall sh m f r c, 0 <= c -> under sh m f r -> under sh m (fun j => c * f j) (c * r).
Proof.
  intros [] m f r c Hc H; unfold under in *; [rewrite sumlt_scale; apply Rmult_le_compat_l; auto|].
  intros j Hj. apply Rmult_le_compat_l; auto.
Qed.
Lemma under_mix : forall sh m f g r t, 0 <= t <= 1 -> under sh m f r -> under sh m g r ->
  under sh m (fun j => (1 - t) * f j + t * g j) r.
Proof.
  intros [] m f g r t Ht F G; unfold under in *; [rewrite sumlt_mix; nra|].
  intros j Hj. specialize (F j Hj). specialize (G j Hj). nra.
Qed.

Lemma under_bij : forall sh m f g h r, Bij m f g -> under sh m (fun j => h (f j)) r -> under sh m h r.
Proof.
  intros [] m f g h r B H; unfold under in *; [rewrite <- (sumlt_bij m f g h B); auto|].
  intros j Hj. destruct (B j Hj) as (_ & Gj & _ & FG). rewrite <- FG. auto.
Qed.

Section Layers.
Variable m d : nat.
Variable ball : balls.
Variable RW Ra : R.
Hypothesis RW0 : 0 < RW.
Hypothesis Ra0 : 0 < Ra.
Hypothesis RWa : RW * Ra = IZR (rn ball) / IZR (rd ball).
Hypothesis some : ball <> Free.

Let N : rvec -> R := match ball with Columns _ _ | Frobenius _ _ => norm d | _ => largest d end.
Let sh := shared ball.
Let inside := in_layers m d ball RW Ra.

Lemma N_size : size d N.
Proof. unfold N. destruct ball; auto using norm_size, largest_size. Qed.

Lemma inside_under : forall W a, inside W a <->
  under sh m (fun j => N (W j) * N (W j)) (RW * RW) /\ under sh m (fun j => a j * a j) (Ra * Ra).
Proof.
  intros W a.
  assert (Up : forall x r, 0 <= x -> x <= r -> x * x <= r * r) by (intros; nra).
  assert (Le : forall x r, 0 <= x -> 0 < r -> x * x <= r * r -> x <= r) by (intros; nra).
  assert (Lm : (forall j, (j < m)%nat -> N (W j) <= RW) /\ (forall j, (j < m)%nat -> Rabs (a j) <= Ra) <->
    (forall j, (j < m)%nat -> N (W j) * N (W j) <= RW * RW) /\ (forall j, (j < m)%nat -> a j * a j <= Ra * Ra)).
  { assert (E : forall v, v * v = Rabs v * Rabs v) by (intros v; rewrite <- Rabs_mult, Rabs_right; nra).
    split; intros [H1 H2]; split; intros j Hj.
    - apply Up; auto. apply (s_pos d N N_size).
    - rewrite E. apply Up; auto. apply Rabs_pos.
    - apply Le; auto. apply (s_pos d N N_size).
    - apply Le; auto; [apply Rabs_pos|]. rewrite <- E. auto. }
  unfold inside, in_layers, under, sh, shared, N in *. destruct ball as [|p q|p q|p q]; auto; [tauto|].
  pose proof (norm_sqr m (fun j => norm d (W j))) as E1. pose proof (norm_sqr m a) as E2. rewrite <- E1, <- E2.
  split; intros [H1 H2]; split; try (apply Up; auto; apply norm_pos); apply Le; auto; apply norm_pos.
Qed.

Lemma ball_under : forall W a, in_ball m d ball W a -> under sh m (fun j => Rabs (a j) * N (W j)) (RW * Ra).
Proof.
  intros W a H. rewrite RWa. unfold in_ball, under, sh, shared, N, rn, rd in *. destruct ball as [|p q|p q|p q]; [tauto| | |].
  - intros j Hj. rewrite <- (s_scale d _ (largest_size d)).
    assert (R0 : 0 <= IZR p / IZR q) by (pose proof (Rmult_lt_0_compat _ _ RW0 Ra0); simpl in RWa; lra).
    specialize (H j). clear -H Hj R0. induction d as [|k IH]; simpl; auto. apply Rmax_lub; auto.
  - intros j Hj. rewrite <- norm_scale. auto.
  - rewrite (sumlt_ext m _ (fun j => norm d (fun i => a j * W j i))); auto. intros j Hj. rewrite norm_scale. auto.
Qed.

Lemma under_ball : forall W a, under sh m (fun j => Rabs (a j) * N (W j)) (RW * Ra) -> in_ball m d ball W a.
Proof.
  intros W a H. rewrite RWa in H. unfold in_ball, under, sh, shared, N, rn, rd in *. destruct ball as [|p q|p q|p q]; auto.
  - intros j i Hj Hi. specialize (H j Hj). rewrite <- (s_scale d _ (largest_size d)) in H.
    eapply Rle_trans; [|exact H]. apply (s_entry d _ (largest_size d) (fun i => a j * W j i)); auto.
  - intros j Hj. rewrite norm_scale. auto.
  - rewrite (sumlt_ext m _ (fun j => Rabs (a j) * norm d (W j))); auto. intros j Hj. apply norm_scale.
Qed.

Lemma layers_in_ball : forall W a, inside W a -> in_ball m d ball W a.
Proof.
  intros W a H. apply inside_under in H as [HW Ha]. apply under_ball.
  (* |a| N <= (Ra / RW) N N / 2 + (RW / Ra) a a / 2 *)
  assert (Q : under sh m (fun j => (1 - / 2) * (Ra / RW * (N (W j) * N (W j))) + / 2 * (RW / Ra * (a j * a j))) (RW * Ra)).
  { apply under_mix; [lra| |].
    - replace (RW * Ra) with (Ra / RW * (RW * RW)) by (field; lra). apply under_scale; auto. left. apply Rdiv_lt_0_compat; auto.
    - replace (RW * Ra) with (RW / Ra * (Ra * Ra)) by (field; lra). apply under_scale; auto. left. apply Rdiv_lt_0_compat; auto. }
  apply (under_le _ _ _ _ _ Q). intros j Hj.
  assert (E : a j * a j = Rabs (a j) * Rabs (a j)) by (rewrite <- Rabs_mult, Rabs_right; nra). rewrite E.
  set (x := Rabs (a j)). set (n := N (W j)).
  assert (K : (1 - / 2) * (Ra / RW * (n * n)) + / 2 * (RW / Ra * (x * x)) - x * n = (RW * x - Ra * n) * (RW * x - Ra * n) / (2 * (RW * Ra))) by (field; lra).
  assert (0 <= (RW * x - Ra * n) * (RW * x - Ra * n) / (2 * (RW * Ra))); [|lra].
  apply Rmult_le_pos; [apply Rle_0_sqr|left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; [lra|apply Rmult_lt_0_compat; auto]].
Qed.

Lemma inside_eq : forall W a W' a', eqnet m d W a W' a' -> inside W a -> inside W' a'.
Proof.
  intros W a W' a' E I. apply inside_under in I as [I1 I2]. apply inside_under. split.
  - apply (under_le _ _ _ _ _ I1). intros j Hj. destruct (E j Hj) as [_ E2]. rewrite (s_ext d N N_size (W' j) (W j)); [lra|].
    intros i Hi. symmetry. auto.
  - apply (under_le _ _ _ _ _ I2). intros j Hj. destruct (E j Hj) as [E1 _]. rewrite E1. lra.
Qed.

Lemma inside_bij : forall f g W a, Bij m f g -> inside (fun j => W (f j)) (fun j => a (f j)) -> inside W a.
Proof.
  intros f g W a Bf I. apply inside_under in I as [I1 I2]. apply inside_under. split.
  - apply (under_bij _ m f g (fun j => N (W j) * N (W j)) _ Bf I1).
  - apply (under_bij _ m f g (fun j => a j * a j) _ Bf I2).
Qed.

Variable XQ : list (list Q).
Variable yQ : list Q.
Variable c : R.
Hypothesis Len : forall x, In x XQ -> (length x <= d)%nat.
Let good W a := inside W a /\ lossq XQ yQ m W a <= c.

(* ---- what a neuron adds to the output ---- *)

Definition alike (a : R) (w : rvec) (a' : R) (w' : rvec) : Prop :=
  (a = 0 /\ a' = 0) \/ (forall i, (i < d)%nat -> w i = 0 /\ w' i = 0) \/
  exists k, 0 < k /\ a' * k = a /\ forall i, (i < d)%nat -> w' i = k * w i.

Lemma dotq_ext : forall x e u v, (length x <= e)%nat -> (forall i, (i < e)%nat -> u i = v i) -> dotq x u = dotq x v.
Proof.
  induction x as [|q x IH]; intros e u v L H; simpl in *; auto. destruct e as [|e]; [lia|]. rewrite (H O) by lia.
  f_equal. apply (IH e); [lia|]. intros i Hi. apply H. lia.
Qed.
Lemma dotq_scale : forall x k u, dotq x (fun i => k * u i) = k * dotq x u.
Proof. induction x as [|q x IH]; intros k u; simpl; [ring|]. rewrite (IH k (fun i => u (S i))). ring. Qed.

Lemma alike_out : forall a w a' w' x, In x XQ -> alike a w a' w' -> a' * Rmax 0 (dotq x w') = a * Rmax 0 (dotq x w).
Proof.
  intros a w a' w' x Ix [[-> ->]|[Z|(k & Hk & E & W)]]; [ring| |].
  - rewrite (dotq_ext x d w (fun i => 0 * w i)), (dotq_ext x d w' (fun i => 0 * w' i)), !dotq_scale by
      (auto; intros i Hi; destruct (Z i Hi); lra).
    rewrite !Rmult_0_l, Rmax_left by lra. ring.
  - rewrite (dotq_ext x d w' (fun i => k * w i)), dotq_scale by auto. rewrite <- E.
    destruct (Rle_dec 0 (dotq x w)); [rewrite !Rmax_right by nra; ring|rewrite !Rmax_left by nra; ring].
Qed.

Lemma lossq_alike : forall W a W' a', (forall j, (j < m)%nat -> alike (a j) (W j) (a' j) (W' j)) ->
  lossq XQ yQ m W' a' = lossq XQ yQ m W a.
Proof.
  intros W a W' a' H. unfold lossq. f_equal.
  assert (E : forall x, In x XQ -> netq m W' a' x = netq m W a x).
  { intros x Ix. apply sumlt_ext. intros j Hj. apply alike_out; auto. }
  generalize yQ. clear -E. induction XQ as [|x X IH]; intros [|v ys]; simpl; auto.
  rewrite E by (left; auto). f_equal. apply IH. intros z Iz. apply E. right; auto.
Qed.

Lemma eq_alike : forall W a W' a', eqnet m d W a W' a' -> forall j, (j < m)%nat -> alike (a j) (W j) (a' j) (W' j).
Proof.
  intros W a W' a' E j Hj. destruct (E j Hj) as [E1 E2]. right. right. exists 1. split; [lra|]. split; [lra|].
  intros i Hi. rewrite E2; auto. ring.
Qed.

Lemma good_eq : forall W a W' a', eqnet m d W a W' a' -> good W a -> good W' a'.
Proof.
  intros W a W' a' E [I L]. split; [apply (inside_eq W a); auto|].
  rewrite (lossq_alike W a W' a'); auto. apply eq_alike. auto.
Qed.

(* ---- balanced networks: |a_j|^2 / |w_j|^2 is the same for all neurons ---- *)

Let lam := Ra / RW.
Definition root (v : R) : R := v * / sqrt (Rabs v).
Let la (W : nat -> rvec) (a : nat -> R) (j : nat) : R := root (a j) * (sqrt lam * sqrt (N (W j))).
Let lw (W : nat -> rvec) (a : nat -> R) (j : nat) : rvec := fun i => sqrt (Rabs (a j)) * (W j i * / sqrt (N (W j))) * / sqrt lam.

Lemma lam_pos : 0 < lam.
Proof. apply Rdiv_lt_0_compat; auto. Qed.
Lemma root_mul : forall v, root v * sqrt (Rabs v) = v.
Proof.
  intros v. unfold root. destruct (Req_dec v 0) as [->|H]; [ring|]. field. apply Rgt_not_eq, sqrt_lt_R0, Rabs_pos_lt; auto.
Qed.
Lemma root_sqr : forall v, root v * root v = Rabs v.
Proof.
  intros v. destruct (Req_dec v 0) as [->|H]; [unfold root; rewrite Rabs_R0; ring|].
  pose proof (Rabs_pos_lt v H) as P. pose proof (sqrt_lt_R0 _ P) as Q. pose proof (sqrt_sqrt (Rabs v) (Rlt_le _ _ P)) as E.
  apply Rmult_eq_reg_r with (Rabs v); [|lra]. rewrite <- E at 1.
  replace (root v * root v * (sqrt (Rabs v) * sqrt (Rabs v))) with (root v * sqrt (Rabs v) * (root v * sqrt (Rabs v))) by ring.
  rewrite root_mul, <- Rabs_mult, Rabs_right; nra.
Qed.

Lemma N_zero : forall u, N u = 0 -> forall i, (i < d)%nat -> u i = 0.
Proof.
  intros u H i Hi. pose proof (s_entry d N N_size u i Hi) as E. rewrite H in E. pose proof (Rabs_pos (u i)).
  destruct (Req_dec (u i) 0) as [|K]; auto. apply Rabs_pos_lt in K. lra.
Qed.

Lemma la_sqr : forall W a j, la W a j * la W a j = lam * (Rabs (a j) * N (W j)).
Proof.
  intros W a j. unfold la. pose proof lam_pos as L. pose proof (s_pos d N N_size (W j)) as P.
  replace (root (a j) * (sqrt lam * sqrt (N (W j))) * (root (a j) * (sqrt lam * sqrt (N (W j)))))
    with (root (a j) * root (a j) * (sqrt lam * sqrt lam) * (sqrt (N (W j)) * sqrt (N (W j)))) by ring.
  rewrite root_sqr, !sqrt_sqrt by lra. ring.
Qed.

Lemma lw_sqr : forall W a j, N (lw W a j) * N (lw W a j) = / lam * (Rabs (a j) * N (W j)).
Proof.
  intros W a j. pose proof lam_pos as L. pose proof (s_pos d N N_size (W j)) as P.
  rewrite (s_ext d N N_size (lw W a j) (fun i => (sqrt (Rabs (a j)) * / sqrt (N (W j)) * / sqrt lam) * W j i)) by (intros; unfold lw; ring).
  rewrite (s_scale d N N_size). set (k := sqrt (Rabs (a j)) * / sqrt (N (W j)) * / sqrt lam).
  replace (Rabs k * N (W j) * (Rabs k * N (W j))) with (Rabs k * Rabs k * (N (W j) * N (W j))) by ring.
  rewrite <- Rabs_mult, (Rabs_right (k * k)) by nra. destruct P as [P|P]; [|rewrite <- P; ring].
  pose proof (sqrt_lt_R0 _ P) as Q. pose proof (sqrt_lt_R0 _ L) as QL.
  pose proof (sqrt_sqrt _ (Rlt_le _ _ P)) as E. pose proof (sqrt_sqrt _ (Rlt_le _ _ L)) as EL.
  pose proof (sqrt_sqrt _ (Rabs_pos (a j))) as EA. unfold k.
  replace (sqrt (Rabs (a j)) * / sqrt (N (W j)) * / sqrt lam * (sqrt (Rabs (a j)) * / sqrt (N (W j)) * / sqrt lam))
    with ((sqrt (Rabs (a j)) * sqrt (Rabs (a j))) / ((sqrt (N (W j)) * sqrt (N (W j))) * (sqrt lam * sqrt lam))) by (field; lra).
  rewrite E, EL, EA. field. lra.
Qed.

Lemma lift_alike : forall W a j, alike (a j) (W j) (la W a j) (lw W a j).
Proof.
  intros W a j. pose proof lam_pos as L. pose proof (s_pos d N N_size (W j)) as P. unfold alike.
  destruct (Req_dec (a j) 0) as [E|Ha].
  { left. split; auto. unfold la, root. rewrite E. ring. }
  right. destruct P as [P|P].
  2:{ left. intros i Hi. assert (Z : W j i = 0) by (apply N_zero; auto). split; auto. unfold lw. rewrite Z. ring. }
  right. apply Rabs_pos_lt in Ha. pose proof (sqrt_lt_R0 _ P) as Q. pose proof (sqrt_lt_R0 _ L) as QL. pose proof (sqrt_lt_R0 _ Ha) as QA.
  exists (sqrt (Rabs (a j)) * / sqrt (N (W j)) * / sqrt lam). split; [|split].
  - apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; auto|]; apply Rinv_0_lt_compat; auto.
  - transitivity (root (a j) * sqrt (Rabs (a j))); [unfold la; field; lra|apply root_mul].
  - intros i Hi. unfold lw. ring.
Qed.

Lemma lift_inside : forall W a, in_ball m d ball W a -> inside (lw W a) (la W a).
Proof.
  intros W a H. apply ball_under in H. pose proof lam_pos as L. apply inside_under. split.
  - apply (under_le _ _ _ (fun j => / lam * (Rabs (a j) * N (W j)))); [|intros; rewrite lw_sqr; lra].
    replace (RW * RW) with (/ lam * (RW * Ra)) by (unfold lam; field; lra). apply under_scale; auto. left. apply Rinv_0_lt_compat; auto.
  - apply (under_le _ _ _ (fun j => lam * (Rabs (a j) * N (W j)))); [|intros; rewrite la_sqr; lra].
    replace (Ra * Ra) with (lam * (RW * Ra)) by (unfold lam; field; lra). apply under_scale; auto. lra.
Qed.

Lemma lift_good : forall W a, in_ball m d ball W a -> lossq XQ yQ m W a <= c -> exists W' a', good W' a'.
Proof.
  intros W a B H. exists (lw W a), (la W a). split; [apply lift_inside; auto|].
  rewrite (lossq_alike W a); auto. intros j _. apply lift_alike.
Qed.

Lemma lift_path : forall V v, is_path m d V v ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (V t) (v t) /\ lossq XQ yQ m (V t) (v t) <= c) ->
  joins m d good (lw (V 0) (v 0)) (la (V 0) (v 0)) (lw (V 1) (v 1)) (la (V 1) (v 1)).
Proof.
  intros V v [CV Cv] H. pose proof lam_pos as L.
  assert (CN : forall j, (j < m)%nat -> cont01 (fun t => N (V t j))) by (intros j Hj; apply (s_cont d N N_size (fun t => V t j)); auto).
  exists (fun t => lw (V t) (v t)), (fun t => la (V t) (v t)). split; [split|split; [|split]].
  - intros j i Hj Hi. unfold lw. apply (cont01_mult (fun t => sqrt (Rabs (v t j)) * (V t j i * / sqrt (N (V t j))))); [|apply cont01_const].
    apply (cont01_mult (fun t => sqrt (Rabs (v t j)))).
    + apply cont01_sqrt; [apply cont01_abs; auto|]. intros; apply Rabs_pos.
    + apply (cont01_root (fun t => V t j i) (fun t => N (V t j))); auto. intros t _. apply (s_entry d N N_size); auto.
  - intros j Hj. unfold la, root. apply (cont01_mult (fun t => v t j * / sqrt (Rabs (v t j)))).
    + apply (cont01_root (fun t => v t j) (fun t => Rabs (v t j))); auto; [apply cont01_abs; auto|]. intros; lra.
    + apply cont01_mult; [apply cont01_const|]. apply cont01_sqrt; auto. intros; apply (s_pos d N N_size).
  - intros j Hj. split; auto.
  - intros j Hj. split; auto.
  - intros t Ht. destruct (H t Ht) as [B Lo]. split; [apply lift_inside; auto|].
    rewrite (lossq_alike (V t) (v t)); auto. intros j Hj. apply lift_alike.
Qed.

Lemma cont01_inv : forall f, cont01 f -> (forall t, 0 <= t <= 1 -> f t <> 0) -> cont01 (fun t => / f t).
Proof.
  intros f C H. apply cont01_lim. intros t Ht. apply (limit_inv f I01 (f t) t); [apply (proj1 (cont01_lim f)); auto|apply H; auto].
Qed.

(* 1 / ((1 - t) x + t y) is convex *)
Lemma inv_mix : forall t x y, 0 <= t <= 1 -> 0 < x -> 0 < y -> / ((1 - t) * x + t * y) <= (1 - t) * / x + t * / y.
Proof.
  intros t x y Ht Hx Hy. assert (P : 0 < (1 - t) * x + t * y) by (destruct (Req_dec t 0); nra).
  assert (E : (1 - t) * / x + t * / y - / ((1 - t) * x + t * y) = t * (1 - t) * ((x - y) * (x - y)) * / (x * y * ((1 - t) * x + t * y))) by (field; lra).
  assert (0 <= t * (1 - t) * ((x - y) * (x - y)) * / (x * y * ((1 - t) * x + t * y))); [|lra].
  apply Rmult_le_pos; [apply Rmult_le_pos; [nra|apply Rle_0_sqr]|]. left. apply Rinv_0_lt_compat.
  apply Rmult_lt_0_compat; auto. apply Rmult_lt_0_compat; auto.
Qed.

(* from a network to the balanced one: a_j^2 moves in a straight line, |a_j| w_j stays; what adds nothing shrinks *)
Lemma balance : forall W a, good W a -> joins m d good W a (lw W a) (la W a).
Proof.
  intros W a [I Lo]. pose proof lam_pos as L. pose proof (layers_in_ball W a I) as B.
  set (y := fun j => lam * (Rabs (a j) * N (W j))).
  set (al := fun t j => (1 - t) * (a j * a j) + t * y j).
  set (ea := fun t j => if Req_EM_T (a j) 0 then 0 else if Req_EM_T (N (W j)) 0 then (1 - t) * a j
    else a j * / Rabs (a j) * sqrt (al t j)).
  set (ew := fun t j i => if Req_EM_T (a j) 0 then (1 - t) * W j i else if Req_EM_T (N (W j)) 0 then W j i
    else Rabs (a j) * / sqrt (al t j) * W j i).
  assert (Live : forall j, a j <> 0 -> N (W j) <> 0 -> 0 < Rabs (a j) /\ 0 < N (W j) /\ 0 < y j /\ a j * a j = Rabs (a j) * Rabs (a j)).
  { intros j Ha Hn. pose proof (s_pos d N N_size (W j)). apply Rabs_pos_lt in Ha as Pa.
    assert (0 < N (W j)) by lra. assert (0 < Rabs (a j) * N (W j)) by (apply Rmult_lt_0_compat; auto).
    split; auto. split; auto. split; [apply Rmult_lt_0_compat; auto|]. rewrite <- Rabs_mult, Rabs_right; nra. }
  assert (Al : forall t j, 0 <= t <= 1 -> a j <> 0 -> N (W j) <> 0 -> 0 < al t j).
  { intros t j Ht Ha Hn. destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4). unfold al. rewrite P4. destruct (Req_dec t 0); nra. }
  assert (Ca : forall j, cont01 (fun t => al t j)) by (intros j; apply cont01_mix).
  assert (Cs : forall j, a j <> 0 -> N (W j) <> 0 -> cont01 (fun t => sqrt (al t j))).
  { intros j Ha Hn. apply cont01_sqrt; auto. intros t Ht. left. auto. }
  assert (C1 : cont01 (fun t => 1 - t)).
  { apply (cont01_ext (fun t => (1 - t) * 1 + t * 0)); [intros; ring|apply cont01_mix]. }
  exists ew, ea. split; [split|split; [|split]].
  - intros j i Hj Hi. unfold ew. destruct (Req_EM_T (a j) 0); [apply cont01_mult; auto; apply cont01_const|].
    destruct (Req_EM_T (N (W j)) 0); [apply cont01_const|].
    apply (cont01_mult (fun t => Rabs (a j) * / sqrt (al t j))); [|apply cont01_const]. apply cont01_mult; [apply cont01_const|].
    apply (cont01_inv (fun t => sqrt (al t j))); auto. intros t Ht. apply Rgt_not_eq, sqrt_lt_R0. auto.
  - intros j Hj. unfold ea. destruct (Req_EM_T (a j) 0); [apply cont01_const|].
    destruct (Req_EM_T (N (W j)) 0); [apply cont01_mult; auto; apply cont01_const|]. apply cont01_mult; auto. apply cont01_const.
  - intros j Hj. unfold ea, ew. destruct (Req_EM_T (a j) 0) as [E|Ha]; [split; [lra|intros; ring]|].
    destruct (Req_EM_T (N (W j)) 0) as [E|Hn]; [split; [ring|auto]|]. destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4).
    assert (E : sqrt (al 0 j) = Rabs (a j)).
    { unfold al. replace ((1 - 0) * (a j * a j) + 0 * y j) with (Rabs (a j) * Rabs (a j)) by (rewrite <- P4; ring). apply sqrt_square. lra. }
    rewrite E. split; [field; lra|intros; field; lra].
  - intros j Hj. unfold ea, ew, la, lw. destruct (Req_EM_T (a j) 0) as [E|Ha].
    { rewrite E, Rabs_R0, sqrt_0. unfold root. split; [ring|intros; ring]. }
    destruct (Req_EM_T (N (W j)) 0) as [E|Hn].
    { rewrite E, sqrt_0. split; [ring|]. intros i Hi. rewrite (N_zero (W j) E i Hi). ring. }
    destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4).
    assert (E : sqrt (al 1 j) = sqrt lam * (sqrt (Rabs (a j)) * sqrt (N (W j)))).
    { unfold al. replace ((1 - 1) * (a j * a j) + 1 * y j) with (y j) by ring. unfold y. rewrite !sqrt_mult; auto; nra. }
    pose proof (sqrt_lt_R0 _ P1) as Q1. pose proof (sqrt_lt_R0 _ P2) as Q2. pose proof (sqrt_lt_R0 _ L) as Q3.
    pose proof (sqrt_sqrt _ (Rlt_le _ _ P1)) as E1. rewrite E. unfold root. split.
    + set (r := sqrt (Rabs (a j))) in *. rewrite <- E1. field. lra.
    + intros i Hi. set (r := sqrt (Rabs (a j))) in *. rewrite <- E1. field. lra.
  - intros t Ht. split.
    + apply inside_under in I as [I1 I2]. pose proof (lift_inside W a B) as J. apply inside_under in J as [J1 J2].
      apply inside_under. split.
      * apply (under_le _ _ _ _ _ (under_mix _ _ _ _ _ t Ht I1 J1)). intros j Hj. rewrite lw_sqr.
        pose proof (s_pos d N N_size (W j)) as Pn. pose proof (Rabs_pos (a j)) as Pa. unfold ew.
        destruct (Req_EM_T (a j) 0) as [E|Ha]; [|destruct (Req_EM_T (N (W j)) 0) as [E|Hn]].
        -- rewrite (s_scale d N N_size), (Rabs_right (1 - t)) by lra. rewrite E, Rabs_R0.
           assert (0 <= t * (1 - t) * (N (W j) * N (W j))) by (apply Rmult_le_pos; [nra|apply Rle_0_sqr]). lra.
        -- rewrite (s_ext d N N_size (fun i => W j i) (W j)) by auto. rewrite E. lra.
        -- destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4). pose proof (Al t j Ht Ha Hn) as PA. pose proof (sqrt_lt_R0 _ PA) as Q.
           pose proof (sqrt_sqrt _ (Rlt_le _ _ PA)) as EA. rewrite (s_scale d N N_size).
           rewrite (Rabs_right (Rabs (a j) * / sqrt (al t j))) by (apply Rle_ge, Rmult_le_pos; auto; left; apply Rinv_0_lt_compat; auto).
           replace (Rabs (a j) * / sqrt (al t j) * N (W j) * (Rabs (a j) * / sqrt (al t j) * N (W j)))
             with ((Rabs (a j) * N (W j)) * (Rabs (a j) * N (W j)) * / (sqrt (al t j) * sqrt (al t j))) by (field; lra).
           rewrite EA. unfold al. pose proof (inv_mix t (a j * a j) (y j) Ht) as K. rewrite P4 in *.
           eapply Rle_trans; [apply Rmult_le_compat_l; [apply Rle_0_sqr|apply K; auto; nra]|]. unfold y. apply Req_le. field. lra.
      * apply (under_le _ _ _ _ _ (under_mix _ _ _ _ _ t Ht I2 J2)). intros j Hj. rewrite la_sqr. fold (y j). unfold ea.
        assert (Py : 0 <= y j).
        { unfold y. apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; [apply Rabs_pos|apply (s_pos d N N_size)]. }
        assert (Sq : 0 <= a j * a j) by apply Rle_0_sqr.
        destruct (Req_EM_T (a j) 0) as [E|Ha]; [|destruct (Req_EM_T (N (W j)) 0) as [E|Hn]].
        -- nra.
        -- assert (0 <= t * y j) by nra. assert (0 <= (1 - t) * t * (a j * a j)) by (apply Rmult_le_pos; nra). nra.
        -- destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4). pose proof (Al t j Ht Ha Hn) as PA.
           pose proof (sqrt_sqrt _ (Rlt_le _ _ PA)) as EA.
           replace (a j * / Rabs (a j) * sqrt (al t j) * (a j * / Rabs (a j) * sqrt (al t j)))
             with (a j * a j * / (Rabs (a j) * Rabs (a j)) * (sqrt (al t j) * sqrt (al t j))) by (field; lra).
           rewrite EA, <- P4, Rinv_r, Rmult_1_l by nra. unfold al. lra.
    + rewrite (lossq_alike W a); auto. intros j Hj. unfold alike, ea, ew.
      destruct (Req_EM_T (a j) 0) as [E|Ha]; [left; auto|].
      destruct (Req_EM_T (N (W j)) 0) as [E|Hn]; [right; left; intros i Hi; split; apply N_zero; auto|].
      destruct (Live j Ha Hn) as (P1 & P2 & P3 & P4). pose proof (Al t j Ht Ha Hn) as PA. pose proof (sqrt_lt_R0 _ PA) as Q.
      right. right. exists (Rabs (a j) * / sqrt (al t j)). split; [apply Rmult_lt_0_compat; auto; apply Rinv_0_lt_compat; auto|].
      split; [field; lra|auto].
Qed.

(* a path in the ball between two networks of the layers becomes one in the layers: it is balanced all the way *)
Lemma layers_path : forall V v, is_path m d V v ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (V t) (v t) /\ lossq XQ yQ m (V t) (v t) <= c) ->
  inside (V 0) (v 0) -> inside (V 1) (v 1) -> joins m d good (V 0) (v 0) (V 1) (v 1).
Proof.
  intros V v P H I0 I1. pose proof (glued m d good good_eq) as Glue.
  apply (Glue _ _ (lw (V 0) (v 0)) (la (V 0) (v 0))); [apply balance; split; auto; apply H; lra|].
  apply (Glue _ _ (lw (V 1) (v 1)) (la (V 1) (v 1))); [apply lift_path; auto|].
  apply turned, balance. split; auto. apply H. lra.
Qed.
End Layers.

Lemma not_free : forall ball RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) -> ball <> Free.
Proof. intros ball RW Ra H1 H2 E ->. simpl in E. pose proof (Rmult_lt_0_compat _ _ H1 H2). lra. Qed.

Lemma lengths : forall d (XQ : list (list Q)), forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall x, In x XQ -> (length x <= d)%nat.
Proof. intros d XQ H x Ix. rewrite forallb_forall in H. apply Nat.leb_le. auto. Qed.

Theorem least_in_layers : forall XQ yQ m d ball lower upper,
  least_within XQ yQ m d ball lower upper -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  least_layers XQ yQ m d ball RW Ra lower upper.
Proof.
  intros XQ yQ m d ball lower upper [Lo (W & a & B & Up)] HL RW Ra RW0 Ra0 E.
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. split.
  - intros V v I. apply Lo. apply (layers_in_ball m d ball RW Ra RW0 Ra0 E some). auto.
  - destruct (lift_good m d ball RW Ra RW0 Ra0 E some XQ yQ upper (lengths d XQ HL) W a B Up) as (V & v & G).
    exists V, v. exact G.
Qed.

Theorem barrier_in_layers : forall XQ yQ m d lab ball A B lower upper,
  barrier_withinq XQ yQ m d lab ball A B lower upper -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  in_layers m d ball RW Ra (W_of A) (a_of A) -> in_layers m d ball RW Ra (W_of B) (a_of B) ->
  barrier_layers XQ yQ m d ball RW Ra lab A B lower upper.
Proof.
  intros XQ yQ m d lab ball A B lower upper [Lo (V & v & (P & G & HA & s & (Sf & Si & Sl) & HB) & Up)] HL RW Ra RW0 Ra0 E IA IB.
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. pose proof (lengths d XQ HL) as Len. split.
  - intros W a (PW & GW & Ends). apply Lo. split; auto. split; auto. intros t Ht.
    apply (layers_in_ball m d ball RW Ra RW0 Ra0 E some). auto.
  - destruct (inj_Bij m s Sf Si) as (r & Br).
    destruct (layers_path m d ball RW Ra RW0 Ra0 E some XQ yQ upper Len V v P) as (U & e & PU & U0 & U1 & GU).
    + intros t Ht. split; auto.
    + apply (inside_eq m d ball RW Ra RW0 Ra0 E some (W_of A) (a_of A)); auto.
      intros j Hj. destruct (HA j Hj) as [H1 H2]. split; [symmetry; exact H1|]. intros i Hi. symmetry. apply H2; auto.
    + apply (inside_bij m d ball RW Ra RW0 Ra0 E some s r (V 1) (v 1) Br).
      apply (inside_eq m d ball RW Ra RW0 Ra0 E some (W_of B) (a_of B)); auto.
      intros j Hj. destruct (HB j Hj) as [H1 H2]. split; [symmetry; exact H1|]. intros i Hi. symmetry. apply H2; auto.
    + exists U, e. split; [|intros t Ht; apply GU; auto]. split; auto. split; [intros t Ht; apply GU; auto|]. split.
      * intros j Hj. destruct (U0 j Hj) as [H1 H2]. destruct (HA j Hj) as [H3 H4]. split; [congruence|].
        intros i Hi. rewrite H2, H4; auto.
      * exists s. split; [split; auto|]. intros j Hj. destruct (U1 (s j) (Sf j Hj)) as [H1 H2]. destruct (HB j Hj) as [H3 H4].
        split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
Qed.

Theorem components_in_layers : forall XQ yQ m d ball lab b reps,
  are_components XQ yQ m d ball lab b reps -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  (forall A, In A reps -> in_layers m d ball RW Ra (W_of A) (a_of A)) ->
  components_layers XQ yQ m d ball RW Ra lab b reps.
Proof.
  intros XQ yQ m d ball lab b reps (C1 & C2 & C3) HL RW Ra RW0 Ra0 E IR.
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. pose proof (lengths d XQ HL) as Len.
  pose proof (layers_in_ball m d ball RW Ra RW0 Ra0 E some) as In_ball.
  pose proof (inside_eq m d ball RW Ra RW0 Ra0 E some) as Eq. split; [|split].
  - intros A IA. split; auto. apply C1; auto.
  - intros W a I L. destruct (C2 W a (In_ball W a I) L) as (A & IA & f & g & V & v & B & Il & P & V0 & V1 & G).
    exists A. split; auto.
    destruct (layers_path m d ball RW Ra RW0 Ra0 E some XQ yQ b Len V v P G) as (U & e & PU & U0 & U1 & GU).
    + apply (Eq (fun j => W (g j)) (fun j => a (g j))).
      * intros j Hj. destruct (V0 j Hj) as [H1 H2]. split; [auto|]. intros i Hi. symmetry. auto.
      * apply (inside_bij m d ball RW Ra RW0 Ra0 E some f g _ _ B). apply (Eq W a); auto.
        intros j Hj. destruct (B j Hj) as (_ & _ & GF & _). rewrite GF. auto.
    + apply (Eq (W_of A) (a_of A)); auto. intros j Hj. destruct (V1 j Hj) as [H1 H2]. split; [auto|]. intros i Hi. symmetry. auto.
    + exists f, g, U, e. split; auto. split; auto. split; auto. split; [|split; auto].
      * intros j Hj. destruct (U0 j Hj) as [H1 H2]. destruct (V0 j Hj) as [H3 H4]. split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
      * intros j Hj. destruct (U1 j Hj) as [H1 H2]. destruct (V1 j Hj) as [H3 H4]. split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
  - intros i j Hi Hj N (f & g & V & v & B & Il & P & V0 & V1 & G). apply (C3 i j Hi Hj N).
    exists f, g, V, v. repeat (split; [assumption|]). intros t Ht. destruct (G t Ht). split; auto.
Qed.
